// Asks the real client's own functions what the tables of tests/fixtures/selection say, and then which profiles of
// random stores they use, and compares the answers of Strongroom.
//
//   node tests/real/selection.mjs <OpenClaw's package directory> <scratch directory> <strongroom> [seed]
//
// Prints a line `ok: ...` or `FAILED: ...` for each row that the client can judge, and how many of the random stores
// agree.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { openclaw } from './lib/openclaw-functions.mjs';

const [client, scratch, binary, seed] = process.argv.slice(2);
process.env.OPENCLAW_STATE_DIR = scratch;
const fixtures = new URL('../fixtures/selection/', import.meta.url);

const { version, order, stored, failed, served, cools, parsed, included, aliases: aliasMap, write, usage } = await openclaw(client);
// The rules that the client follows, as `--backoff` names them.
const rules = version === '2026.6.1' ? '2026.6.1' : '2026.9.6';

const now = Date.now();
let offset = 0;
Date.now = () => now + offset;
const dated = (_, value) => {
  const at = typeof value === 'string' && /^now([+-]\d+)$/.exec(value);
  return at ? now + Number(at[1]) : value;
};
const rows = (name) => JSON.parse(fs.readFileSync(new URL(name, fixtures), 'utf8'), dated);

function profiles(row) {
  const entries = Object.entries(row.profiles).map(([id, given]) => {
    const [type, expires] = Array.isArray(given) ? given : [given];
    const secret = `made-up-secret-of-${id}`;
    const held = { api_key: { key: secret }, token: { token: secret }, oauth: { access: secret, refresh: secret, expires: now + 9e9 } };
    const ends = row.expires && id in row.expires ? { expires: row.expires[id] } : expires ? { expires } : {};
    return [id, { type, provider: id.split(':')[0], ...held[type], ...ends }];
  });
  return Object.fromEntries(entries);
}

// The client's own loader reads the contents of a row from an agent's directory.
let agents = 0;
function agent(row, state) {
  const directory = path.join(scratch, `agents/row${(agents += 1)}/agent`);
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const set = row.order ? { [row.provider ?? 'a']: row.order } : row.orders;
  const index = { version: 1, profiles: profiles(row), ...(set ? { order: set } : {}) };
  write(directory, index, { version: 1, ...state });
  return directory;
}

function tell(table, row, check) {
  try {
    check();
    console.log(`  ok: ${table}: ${row.name}`);
  } catch (error) {
    console.log(`  FAILED: ${table}: ${row.name}: ${error.message.replaceAll('\n', ' ')}`);
    process.exitCode = 1;
  }
}

// The provider's plugin has to be there for the client to know its other names: 2026.9.6 comes with fewer of them.
const table = fs.readFileSync(new URL('../../src/client/alias.rs', import.meta.url), 'utf8').split('];')[0];
const known = Object.fromEntries([...table.matchAll(/\("([\w-]+)", "([\w-]+)"\)/g)].map(([, alias, target]) => [alias, target]));
const aliases = Object.fromEntries(Object.entries(aliasMap({ config: {} })).filter(([alias, target]) => alias !== target));
const agrees = (provider) => known[provider] === aliases[provider];

for (const row of rows('order.json')) {
  const provider = row.provider ?? 'a';
  if (row.client || ![provider, ...Object.keys(row.profiles).map((id) => id.split(':')[0])].every(agrees)) continue;
  const store = stored(agent(row, row.state));
  const config = row.config ?? {};
  const used = order({ cfg: config, store, provider, preferredProfile: row.pin?.profile });
  tell('order', row, () => assert.deepEqual(used, row.used));
}

for (const row of rows('model.json')) {
  if (row.only && row.only !== rules) continue;
  const expected = { ...row, ...row[rules] };
  const store = stored(agent(row, row.state));
  const used = order({ cfg: {}, store, provider: 'a', ...(rules === '2026.6.1' ? {} : { forModel: row.model }) });
  const free = used.find((id) => !cools(store, id, undefined, row.model)) ?? null;
  tell('model', row, () => assert.deepEqual([used, free], [expected.used, row.all ? null : expected.next]));
}

for (const row of rows('backoff.json')) {
  if ((row.backoff ?? '2026.6.1') !== rules || row.client) continue;
  const provider = row.provider ?? 'a';
  const id = `${provider}:x`;
  const agentDir = agent({ profiles: { [id]: 'token' } }, row.before ? { usageStats: { [id]: row.before } } : {});
  const store = stored(agentDir);
  for (const [kind, after, modelId] of row.reports) {
    offset = after;
    const about = { store, profileId: id, agentDir, cfg: row.config ?? {} };
    if (kind === 'success') await served({ ...about, provider });
    else await failed({ ...about, reason: kind, modelId });
  }
  offset = 0;
  tell('backoff', row, () => assert.deepEqual(usage(agentDir, id) ?? null, row.after));
}

// Assumptions of the tables.
tell('configuration', { name: 'a byte order mark before it is a space' }, () => assert.deepEqual(parsed('\ufeff{auth:{}}'), { auth: {} }));
fs.writeFileSync(path.join(scratch, 'auth.json5'), '{order:{a:["a:x"]}}');
tell('configuration', { name: 'an included file stands where it is named' }, () =>
  assert.deepEqual(included({ auth: { $include: './auth.json5' } }, path.join(scratch, 'openclaw.json')), { auth: { order: { a: ['a:x'] } } }));

if (rules === '2026.6.1') tell('aliases', { name: 'those of the source are those of the client' }, () => assert.deepEqual(known, aliases));

// --- random stores ------------------------------------------------------------------------------------------
// One vault with hundreds of providers, each set up at random from a fixed seed, judged once by `strongroom status`
// and `resolve`, and provider by provider by the client's functions, which load the very same files.

const SEED = Number(seed ?? 20260601);
let left = SEED;
function random() {
  left = (left + 0x6d2b79f5) | 0;
  let mixed = Math.imul(left ^ (left >>> 15), 1 | left);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
}
const chance = (share) => random() < share;
const upTo = (most) => Math.floor(random() * (most + 1));
const pick = (list) => list[upTo(list.length - 1)];
const shuffled = (list) => list.map((one) => [random(), one]).sort((a, b) => a[0] - b[0]).map(([, one]) => one);
const spelled = (name) => pick([name, name, name.toUpperCase(), ` ${name} `]);

const families = Object.entries(Object.groupBy(Object.entries(aliases).filter(([alias]) => agrees(alias)), ([, target]) => target))
  .map(([target, named]) => [...new Set([target, ...named.map(([alias]) => alias)])]);
const groups = [...families, ['openrouter'], ['kilocode'], ...Array.from({ length: 300 }, (_, n) => [`p${n}`])];

const LAST = 8.64e15;
const MINUTES = 60_000;
// Far from now, because the two programs read their clocks at different moments.
const ends = [now - 30 * MINUTES, now + 30 * MINUTES, now + 30 * MINUTES, now + 45 * MINUTES, now + 45 * MINUTES + 0.5, 0, -5, LAST, LAST + 2, 1e300, 'soon', null];
const expiries = [now - 30 * MINUTES, now + 30 * MINUTES, now + 30 * MINUTES + 0.5, 0, -0.5, LAST, LAST + 2, 1e17, 'soon', null, true, []];
const uses = [now - 30 * MINUTES, now - 20 * MINUTES, now - 10 * MINUTES, 0, -5, null];

const secret = (id) => `made-up-secret-of-${id}`;
const entries = {};
const index = { order: {}, expires: {} };
const state = { version: 1, order: {}, usageStats: {} };
const auth = { order: {}, profiles: {} };
for (const family of groups) {
  const ids = shuffled(['a', 'b', 'c', 'd', 'e', 'f']).slice(0, 1 + upTo(5)).map((name) => `${pick(family)}:${name}`);
  const list = () => {
    const some = shuffled([...ids, `${family[0]}:gone`, 'elsewhere:x']).slice(0, upTo(ids.length + 2));
    const kept = chance(0.15) ? some.filter((id) => !ids.includes(id)) : some;
    return chance(0.2) && kept.length > 0 ? [...kept, kept[0]] : kept;
  };
  for (const id of ids) {
    const type = pick(['api_key', 'token', 'token', 'oauth']);
    const held = { api_key: { key: secret(id) }, token: { token: secret(id) }, oauth: { access: secret(id), refresh: 'made-up-refresh', expires: now + 9e9 } };
    entries[id] = { type, provider: id.split(':')[0], ...held[type] };
    if (type === 'token' && chance(0.3)) index.expires[id] = pick(expiries);
    if (!chance(0.6)) continue;
    const usage = {};
    for (const name of ['cooldownUntil', 'disabledUntil', 'blockedUntil']) if (chance(0.3)) usage[name] = pick(ends);
    if (chance(0.5)) usage.lastUsed = pick(uses);
    if (chance(0.3)) usage.cooldownReason = pick(['rate_limit', 'timeout', 'auth', 'no such reason']);
    if (chance(0.3)) usage.errorCount = upTo(4);
    state.usageStats[id] = usage;
  }
  // Not in both: Strongroom then uses the index, on purpose.
  const where = pick([index.order, state.order, undefined, undefined]);
  for (const name of family) if (where && chance(0.8)) where[spelled(name)] = list();
  for (const name of family) if (chance(0.3)) auth.order[spelled(name)] = list();
  if (chance(0.3)) for (const id of new Set(list())) auth.profiles[id] = { provider: pick([...family, spelled(family[0]), 'elsewhere']), mode: chance(0.7) ? (entries[id]?.type ?? 'token') : pick(['oauth', 'token', 'api_key']) };
}

const home = path.join(scratch, 'random');
const vault = path.join(home, 'vault');
fs.mkdirSync(path.join(home, '.openclaw'), { recursive: true, mode: 0o700 });
function strongroom(arguments_, input = '') {
  const env = { HOME: home, PATH: '/usr/bin:/bin', STRONGROOM_HOME: vault, STRONGROOM_KEY_FILE: path.join(home, 'key') };
  const ran = spawnSync(binary, ['--no-input', ...arguments_], { env, input, cwd: home, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (ran.status !== 0) throw new Error(`strongroom ${arguments_[0]} ended with ${ran.status}: ${ran.stderr}`);
  return ran.stdout;
}
strongroom(['init', '--store', 'file', '--unlock', 'key-file']);
fs.writeFileSync(path.join(home, 'profiles.json'), JSON.stringify({ version: 1, profiles: entries }), { mode: 0o600 });
strongroom(['import', 'profiles.json', '--include-oauth']);

const directory = path.join(vault, 'agents/main');
const written = JSON.parse(fs.readFileSync(path.join(directory, 'auth-profiles.json'), 'utf8'));
written.order = index.order;
for (const [id, expires] of Object.entries(index.expires)) written.profiles[id].expires = expires;
const config = { auth };
fs.writeFileSync(path.join(directory, 'auth-profiles.json'), JSON.stringify(written));
fs.writeFileSync(path.join(directory, 'auth-state.json'), JSON.stringify(state));
fs.writeFileSync(path.join(home, '.openclaw/openclaw.json'), JSON.stringify(config));

write(directory, { ...written, order: index.order }, state);
const whole = stored(directory);
// Strongroom has the sign-ins encrypted; the client has them in its store.
for (const [id, entry] of Object.entries(entries)) if (entry.type === 'oauth') Object.assign(whole.profiles[id], entry);
const said = JSON.parse(strongroom(['status', '--json'])).vault;
const ours = new Map(said.providers.map((one) => [one.provider, one]));
// The record says when a credential expires, so `resolve` is asked only if the index has no expiry.
const asked = [...ours.keys()].filter((name) => !Object.keys(index.expires).some((id) => groups.find((family) => family.includes(name)).includes(id.split(':')[0])));
const resolved = {};
// A call has to answer in time, and each of these ids requires a walk through the whole index.
for (let from = 0; from < asked.length; from += 25) {
  const ids = asked.slice(from, from + 25).map((name) => `providers/${name}/apiKey`);
  const ask = () => JSON.parse(strongroom(['resolve'], JSON.stringify({ protocolVersion: 1, provider: 'strongroom', ids })));
  let answer = ask();
  // If the machine stalled for longer than an answer may take, ask again.
  for (let n = 0; n < 4 && answer.errors?.request?.code === 'TIMEOUT'; n++) answer = ask();
  Object.assign(resolved, answer.values);
}

let agree = 0;
for (const family of groups) {
  const inFamily = ([id]) => family.includes(id.split(':')[0]);
  const part = (all) => Object.fromEntries(Object.entries(all).filter(inFamily));
  const named = new Set(Object.values(part(whole.profiles)).map((entry) => entry.provider));
  for (const provider of named) {
    const store = { ...whole, profiles: part(whole.profiles), usageStats: structuredClone(part(whole.usageStats)) };
    const listed = Object.entries(auth.profiles).filter(([id, entry]) => inFamily([id]) || family.includes(entry.provider.trim().toLowerCase()));
    const used = order({ cfg: { auth: { order: auth.order, profiles: Object.fromEntries(listed) } }, store, provider });
    const waits = used.filter((id) => cools(store, id));
    const row = { name: provider };
    try {
      const candidates = ours.get(provider).candidates.filter((one) => one.verdict !== 'excluded');
      assert.deepEqual(candidates.map((one) => one.profileId), used);
      assert.deepEqual(candidates.filter((one) => one.verdict !== 'eligible').map((one) => one.profileId), waits);
      if (asked.includes(provider)) assert.equal(resolved[`providers/${provider}/apiKey`], used[0] && secret(used[0]));
      agree += 1;
    } catch (error) {
      tell('random', row, () => { throw error; });
    }
  }
}
console.log(`  random: ${agree} providers of seed ${SEED} agree, ${asked.length} of them resolved`);
