#!/usr/bin/python3
"""Reads and changes the raw items of the keychain on the session bus: over a plain session, without Strongroom.

    keychain-items.py list [NAME=VALUE...]     a JSON line an item: path, label, attributes, secret
    keychain-items.py plant LABEL NAME=VALUE...   makes one more item; the secret comes from standard input
    keychain-items.py set PATH                 gives an item another secret, from standard input
    keychain-items.py delete PATH              removes an item, or a collection
    keychain-items.py collection LABEL         makes a collection, unlocked, whose password is its label, and
                                               prints its path (GNOME Keyring only: by its own interface, no prompt)
    keychain-items.py move PATH COLLECTION     moves an item there; prints its new path
    keychain-items.py lock COLLECTION
    keychain-items.py unlock COLLECTION LABEL  (GNOME Keyring only)

secret-tool cannot do this: it adds its own attribute, replaces existing items, and strips line breaks.
"""

import json
import sys

from jeepney import DBusAddress, MatchRule, Properties, new_method_call
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import Proxy, open_dbus_connection

BUS = "org.freedesktop.secrets"
ROOT = "/org/freedesktop/secrets"
API = "org.freedesktop.Secret."
# The interface through which GNOME's own programs create collections with a given password.
GNOME = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface"
LIMIT = 10  # seconds per call

bus = open_dbus_connection(bus="SESSION")


def call(path, interface, method, signature=None, body=()):
    interface = interface if interface == GNOME else API + interface
    address = DBusAddress(path, bus_name=BUS, interface=interface)
    answer = bus.send_and_get_reply(new_method_call(address, method, signature, body), timeout=LIMIT)
    if answer.header.message_type.name == "error":
        sys.exit(f"keychain-items: {method}: {answer.header.fields}")
    return answer.body


def prop(path, interface, name):
    address = DBusAddress(path, bus_name=BUS, interface=API + interface)
    return bus.send_and_get_reply(Properties(address).get(name), timeout=LIMIT).body[0][1]


def unlock(collection):
    """KWallet treats a collection as locked for each connection; while its wallet is open, its prompt asks no one."""
    if not prop(collection, "Collection", "Locked"):
        return
    _, prompt = call(ROOT, "Service", "Unlock", "ao", ([collection],))
    if prompt == "/":
        return
    rule = MatchRule(type="signal", interface=API + "Prompt", member="Completed", path=prompt)
    Proxy(message_bus, bus).AddMatch(rule)
    with bus.filter(rule) as completed:
        call(prompt, "Prompt", "Prompt", "s", ("",))
        if bus.recv_until_filtered(completed, timeout=LIMIT).body[0]:
            sys.exit("keychain-items: the collection stays locked")


_, session = call(ROOT, "Service", "OpenSession", "sv", ("plain", ("s", "")))
(collection,) = call(ROOT, "Service", "ReadAlias", "s", ("default",))
verb, arguments = sys.argv[1], sys.argv[2:]


def attributes(words):
    return dict(word.split("=", 1) for word in words)


def text(value):
    return (session, b"", value, "text/plain")


def plant(where, label, attributes, value):
    properties = {API + "Item.Label": ("s", label), API + "Item.Attributes": ("a{ss}", attributes)}
    return call(where, "Collection", "CreateItem", "a{sv}(oayays)b", (properties, text(value), False))[0]


if collection == "/":
    sys.exit("keychain-items: there is no default collection")
unlock(collection)

if verb == "list":
    unlocked, locked = call(ROOT, "Service", "SearchItems", "a{ss}", (attributes(arguments),))
    for path in sorted(unlocked + locked):
        secret = None
        if path in unlocked:
            ((_, _, value, _),) = call(path, "Item", "GetSecret", "o", (session,))
            secret = bytes(value).decode("latin-1")
        print(json.dumps({
            "path": path,
            "label": prop(path, "Item", "Label"),
            "attributes": prop(path, "Item", "Attributes"),
            "secret": secret,
        }))
elif verb == "plant":
    print(plant(collection, arguments[0], attributes(arguments[1:]), sys.stdin.buffer.read()))
elif verb == "set":
    call(arguments[0], "Item", "SetSecret", "(oayays)", (text(sys.stdin.buffer.read()),))
elif verb == "delete":
    of_item = arguments[0].count("/") > collection.count("/")
    call(arguments[0], "Item" if of_item else "Collection", "Delete")
elif verb == "collection":
    properties = {API + "Collection.Label": ("s", arguments[0])}
    body = (properties, text(arguments[0].encode()))
    print(call(ROOT, GNOME, "CreateWithMasterPassword", "a{sv}(oayays)", body)[0])
elif verb == "move":
    ((_, _, value, _),) = call(arguments[0], "Item", "GetSecret", "o", (session,))
    label, held = (prop(arguments[0], "Item", name) for name in ("Label", "Attributes"))
    print(plant(arguments[1], label, held, value))
    call(arguments[0], "Item", "Delete")
elif verb == "lock":
    call(ROOT, "Service", "Lock", "ao", (arguments,))
elif verb == "unlock":
    body = (arguments[0], text(arguments[1].encode()))
    call(ROOT, GNOME, "UnlockWithMasterPassword", "o(oayays)", body)
else:
    sys.exit(f"keychain-items: unknown verb {verb}")
