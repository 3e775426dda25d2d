"""Stand-ins on loopback: servers with names, whose ports go to a FIFO. Imported by the stand-ins of the helpers' clients."""

import http.server
import os
import ssl
import threading


def serve(directory, handler, names, tls=False):
    """Serves for ever. The handler finds the name of its server in `self.server.name`, and all of them in
    `self.server.servers`. DIRECTORY has the FIFO `ports` and, for TLS, cert.pem and key.pem."""
    servers = []
    for name in names:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.name = name
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(os.path.join(directory, "cert.pem"), os.path.join(directory, "key.pem"))
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.servers = servers
        servers.append(server)
    with open(os.path.join(directory, "ports"), "w") as out:
        out.write(" ".join(str(server.server_port) for server in servers) + "\n")
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    servers[0].serve_forever()
