"""What happens during the day: keys run out, cool down and come back; profiles are rotated, added, reordered and removed."""

import asyncio
import time

# The time between two events, in seconds.
PAUSE = 2.5
# How long a change may take to be seen, in seconds.
PATIENCE = 20

ONE, TWO, THREE, FOUR, FIVE = (f"anthropic:{name}" for name in ("one", "two", "three", "four", "five"))
FIRST = [ONE, TWO, THREE, FOUR]


class Story:
    def __init__(self, vault, upstream, report):
        self.vault, self.upstream, self.report = vault, upstream, report

    async def begin(self):
        await self.vault.run("init", "--store", "file", "--unlock", "key-file")
        for profile in FIRST:
            await self.vault.store(profile, self.upstream.new_key(profile))
        await self.vault.order(*FIRST)

    async def serves(self, profile, what, patience=PATIENCE):
        """Checks that a request gets an answer with a profile, from now on."""
        since = time.time()
        hits = self.upstream.hits

        def seen():
            at = len(hits)
            while at and hits[at - 1].at >= since:
                at -= 1
                if hits[at].profile == profile and hits[at].status == 200:
                    return True
            return False

        await self.becomes(seen, what, patience=patience)

    async def says(self, profile, what, **expected):
        """Checks that the state file says something of a profile."""

        def said():
            usage = self.vault.usage(profile)
            return all(test(usage.get(name)) for name, test in expected.items())

        await self.becomes(said, f"the state says: {what}", lambda: str(self.vault.usage(profile)))

    async def becomes(self, is_so, what, otherwise=lambda: "not so", patience=PATIENCE):
        end = time.time() + patience
        while not is_so():
            if time.time() > end:
                self.report.check(what, [otherwise()])
                return
            await asyncio.sleep(0.02)
        self.report.check(what, [])

    async def day(self):
        """All of it once. The profiles are the same at its end, and usable."""
        vault, upstream = self.vault, self.upstream
        await self.serves(ONE, "the first of the order serves")
        await asyncio.sleep(PAUSE)

        now = time.time()
        upstream.trouble(ONE, 429, lasts=35, is_told=True)
        await self.serves(TWO, "one runs out: the second serves")
        ends = lambda until: until is not None and until >= (now + 34) * 1000
        await self.says(ONE, "one is rate limited as long as the provider said", cooldownReason=is_("rate_limit"), cooldownUntil=ends)
        await asyncio.sleep(PAUSE)

        # Until shortly before its cooldown of 30 s ends.
        upstream.trouble(TWO, 529, lasts=27)
        await self.serves(THREE, "the second is overloaded: the third serves")
        await self.says(TWO, "it is overloaded", cooldownReason=is_("overloaded"))
        await asyncio.sleep(PAUSE)

        await vault.store(FIVE, upstream.new_key(FIVE))
        await vault.order(FIVE, THREE, ONE, TWO, FOUR)
        await self.serves(FIVE, "a profile is added and put first: it serves")
        await asyncio.sleep(PAUSE)

        upstream.trouble(FIVE, 401)
        await self.serves(THREE, "its key is revoked: the next one serves")
        await self.says(FIVE, "its key is refused", cooldownReason=is_("auth"))
        await asyncio.sleep(PAUSE)
        await vault.run("rotate", FIVE, stdin=upstream.new_key(FIVE))
        await self.serves(FIVE, "it is rotated: it serves again")
        await self.says(FIVE, "nothing against it", cooldownUntil=is_(None))
        await asyncio.sleep(PAUSE)

        old = upstream.key_of(FIVE)
        await vault.run("rotate", FIVE, stdin=upstream.new_key(FIVE))
        upstream.revoke(old)
        await self.serves(FIVE, "it is rotated, and the old key revoked: it goes on")
        await asyncio.sleep(PAUSE)
        await self.says(FIVE, "still nothing against it", cooldownUntil=is_(None), errorCount=lambda count: not count)

        upstream.trouble(FIVE, 402)
        await self.serves(THREE, "it has no credit: the next one serves")
        await self.says(FIVE, "it is disabled", disabledReason=is_("billing"))
        await asyncio.sleep(PAUSE)

        await vault.order(FOUR, THREE, ONE, TWO, FIVE)
        await self.serves(FOUR, "another order: its first serves")
        await asyncio.sleep(PAUSE)
        await vault.run("remove", FOUR, "--yes")
        await self.serves(THREE, "it is removed: the next one serves")
        await asyncio.sleep(PAUSE)

        upstream.trouble(THREE, 429, lasts=5, is_told=True)
        await self.says(THREE, "the last one is rate limited", cooldownReason=is_("rate_limit"))
        # None is free until the second is no longer overloaded: it is the first one whose cooldown ends.
        await self.serves(TWO, "none is left until the second comes back")
        await self.says(TWO, "it is no longer cooling down", cooldownUntil=is_(None))
        await self.serves(ONE, "one comes back after its time: it serves", patience=40)
        await self.serves(THREE, "the third comes back after its time: it serves", patience=40)
        await asyncio.sleep(PAUSE)

        # As in the beginning. Each change lasts until `status` was asked: a request in between is compared with what it said.
        await vault.run("rotate", FIVE, stdin=upstream.new_key(FIVE))
        await self.says(FIVE, "its new key has credit", disabledUntil=is_(None))
        await vault.store(FOUR, upstream.new_key(FOUR))
        await asyncio.sleep(PAUSE)
        await vault.order(*FIRST)
        await asyncio.sleep(PAUSE)
        await vault.run("remove", FIVE, "--yes")
        await self.serves(ONE, "the order of the beginning: its first serves")


def is_(value):
    return lambda there: there == value
