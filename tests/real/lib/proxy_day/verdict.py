"""What is checked after the day: each request, beside what `status` said at that time, and what is left of it."""

import json
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict

# How long a change may take from the vault to a request, or from an answer to the vault, in seconds.
SLACK = 0.5


class Report:
    def __init__(self):
        self.failed = 0

    def check(self, what, faults, count=""):
        """Prints a line: it is so if there are no faults."""
        if not faults:
            print(f"  ok: {what}{f' ({count})' if count else ''}", flush=True)
            return
        self.failed += 1
        print(f"  FAILED: {what} ({len(faults)} faults)", flush=True)
        for fault in faults[:10]:
            print(f"      | {fault}", flush=True)


class Samples:
    """What `status` said, and when."""

    def __init__(self, lines):
        self.all = [json.loads(line) for line in lines]
        self.begun = [one["begun"] for one in self.all]
        self.ended = [one["ended"] for one in self.all]

    def during(self, begun, ended):
        """Returns what it said in a time, and just before and after."""
        first = max(bisect_left(self.ended, begun) - 1, 0)
        return self.all[first : bisect_right(self.begun, ended) + 1]


    def told(self):
        """Prints what it said, as it changed."""
        last = None
        for one in self.all:
            if (one["next"], one["free"]) != last:
                last = one["next"], one["free"]
                print(f"      | {one['begun'] - self.begun[0]:6.2f} s: next {one['next']}, free {' '.join(one['free'])}")


def check(report, clients, upstream, samples, requests):
    """Checks each request, and the log of requests: its lines, and how many there were."""
    report.check("each request was answered", clients.lost, f"{len(clients.answers)} requests")
    hits = defaultdict(list)
    for hit in upstream.hits:
        hits[hit.request].append(hit)
    answers_are_of_their_requests(report, clients.answers, hits)
    profiles_are_those_of_status(report, clients.answers, hits, samples)
    errors_are_the_last(report, clients.answers, hits, samples)
    log_is_complete(report, clients.answers, requests)


def answers_are_of_their_requests(report, answers, hits):
    faults = []
    for answer in answers:
        own = hits[answer.request]
        served = [hit for hit in own if hit.status == 200]
        if f'"request": "{answer.request}"' not in answer.body:
            faults.append(f"{answer.request} got another's answer, or none of the provider's: {answer.status} {answer.body}")
        elif len(served) != (answer.status == 200) or (served and not served[0].answered):
            faults.append(f"{answer.request} got {answer.status}, and the provider answered {len(served)} times")
        elif f'"profile": "{own[-1].profile}"' not in answer.body:
            faults.append(f"{answer.request} got the answer of another profile than {own[-1].profile}")
        elif len(own) > 3:
            faults.append(f"{answer.request} was sent {len(own)} times")
    more = set(hits) - {answer.request for answer in answers}
    faults += [f"{request} was sent, and no client asked" for request in more]
    again = sum(len(own) > 1 for own in hits.values())
    report.check("by the provider, once, with its own answer", faults, f"{again} were sent again with another credential")


def profiles_are_those_of_status(report, answers, hits, samples):
    """A profile was asked only if `status` named it at that time. If it named several, the vault changed meanwhile."""
    faults, exact, count = [], 0, 0
    for answer in answers:
        for hit in hits[answer.request]:
            count += 1
            named = {one["next"] for one in samples.during(answer.begun - SLACK, hit.at + SLACK)}
            exact += len(named) == 1
            if hit.profile not in named:
                faults.append(f"{answer.request} at {hit.at:.3f}: {hit.profile}, but status named {named}")
    told = f"{count} times, {exact} of them exactly one"
    report.check("by the profile that `status` named then", faults, told)


def errors_are_the_last(report, answers, hits, samples):
    """A client got the provider's error only if no other profile was free."""
    faults, count = [], Counter()
    for answer in answers:
        if answer.status == 200:
            continue
        count[answer.status] += 1
        own = hits[answer.request]
        tried = {hit.profile for hit in own}
        free = [set(one["free"]) - tried for one in samples.during(answer.begun - SLACK, answer.ended + SLACK)]
        if all(free):
            faults.append(f"{answer.request} got {answer.status}, and there was {free[0]}")
        if own and own[-1].status != answer.status:
            faults.append(f"{answer.request} got {answer.status}, and the provider said {own[-1].status}")
    told = ", ".join(f"{number} × {status}" for status, number in sorted(count.items())) or "no errors"
    report.check("an error came through only if none was left", faults, told)


def log_is_complete(report, answers, requests):
    lines, last = requests
    faults = [f"a line says that {line['lost']} are lacking" for line in lines if line.get("lost")]
    if last != len(answers):
        faults.append(f"{last} lines")
    if lines and last == len(lines):
        logged, got = Counter(line["status"] for line in lines), Counter(answer.status for answer in answers)
        if logged != got:
            faults.append(f"the log has {logged}, the clients {got}")
        faults += [f"incomplete: {line}" for line in lines if line.get("incomplete")]
    report.check("the log has a line for each request", faults, f"{last} lines, {len(lines)} kept")


def check_memory(report, memory):
    """The memory of the server after the first tenth of the day, and at its end."""
    part = max(len(memory) // 10, 1)
    early, late = (sorted(some)[len(some) // 2] for some in (memory[part : 2 * part], memory[-part:]))
    # What is not bounded grows with each of the requests; what is bounded may still fill up.
    faults = [] if late <= early * 1.1 + 4 else [f"{early:.1f} MB, then {late:.1f} MB"]
    report.check("the memory of the server stays", faults, f"{early:.1f} MB, in the end {late:.1f} MB")
