// Asks the real client's own functions what the tables of tests/fixtures/selection say.
//
//   node tests/real/selection.mjs <OpenClaw's package directory> <scratch directory>
//
// Prints a line `ok: ...` or `FAILED: ...` for each row that is the client's to judge.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [client, scratch] = process.argv.slice(2);
process.env.OPENCLAW_STATE_DIR = scratch;
const fixtures = new URL('../fixtures/selection/', import.meta.url);

// The bundles' names and the names that they export by change with every build.
const dist = path.join(client, 'dist');
async function load(name) {
  for (const file of fs.readdirSync(dist).filter((file) => file.endsWith('.js'))) {
    const text = fs.readFileSync(path.join(dist, file), 'utf8');
    if (!new RegExp(`^(async )?function ${name}\\(`, 'm').test(text)) continue;
    const exported = new RegExp(`\\b${name} as (\\w+)`).exec(text);
    return (await import(pathToFileURL(path.join(dist, file))))[exported ? exported[1] : name];
  }
  throw new Error(`the client has no ${name}`);
}
const order = await load('resolveAuthProfileOrder');
const stored = await load('loadPersistedAuthProfileStore');
const failed = await load('markAuthProfileFailure');
const served = await load('markAuthProfileSuccess');

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

// The client's own loader reads what a row says, as it would stand in an agent's directory.
let agents = 0;
function agent(row, state) {
  const directory = path.join(scratch, `agents/row${(agents += 1)}/agent`);
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const set = row.order ? { [row.provider ?? 'a']: row.order } : row.orders;
  const index = { version: 1, profiles: profiles(row), ...(set ? { order: set } : {}) };
  fs.writeFileSync(path.join(directory, 'auth-profiles.json'), JSON.stringify(index));
  fs.writeFileSync(path.join(directory, 'auth-state.json'), JSON.stringify({ version: 1, ...state }));
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

for (const row of rows('order.json')) {
  if (row.client) continue;
  const provider = row.provider ?? 'a';
  const store = stored(agent(row, row.state));
  const config = row.config ?? {};
  const used = order({ cfg: config, store, provider, preferredProfile: row.pin?.profile });
  tell('order', row, () => assert.deepEqual(used, row.used));
}

const cools = await load('isProfileInCooldown');
for (const row of rows('model.json')) {
  const store = stored(agent(row, row.state));
  const used = order({ cfg: {}, store, provider: 'a' });
  const free = used.find((id) => !cools(store, id, undefined, row.model)) ?? null;
  tell('model', row, () => assert.deepEqual([used, free], [row.used, row.all ? null : row.next]));
}

for (const row of rows('backoff.json')) {
  if (row.backoff || row.client) continue;
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
  const file = JSON.parse(fs.readFileSync(path.join(agentDir, 'auth-state.json'), 'utf8'));
  tell('backoff', row, () => assert.deepEqual(file.usageStats?.[id] ?? null, row.after));
}
