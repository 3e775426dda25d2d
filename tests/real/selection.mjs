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
    return [id, { type, provider: id.split(':')[0], ...held[type], ...(expires ? { expires } : {}) }];
  });
  return Object.fromEntries(entries);
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
  const state = structuredClone(row.state ?? {});
  const stored = row.order ? { [provider]: row.order } : state.order;
  const store = { version: 1, profiles: profiles(row), usageStats: state.usageStats, order: stored };
  const config = row.config ?? {};
  const used = order({ cfg: config, store, provider, preferredProfile: row.pin?.profile });
  tell('order', row, () => assert.deepEqual(used, row.used));
}

const cools = await load('isProfileInCooldown');
for (const row of rows('model.json')) {
  const state = structuredClone(row.state);
  const stored = row.order ? { a: row.order } : undefined;
  const store = { version: 1, profiles: profiles(row), usageStats: state.usageStats, order: stored };
  const used = order({ cfg: {}, store, provider: 'a' });
  const free = used.find((id) => !cools(store, id, undefined, row.model)) ?? null;
  tell('model', row, () => assert.deepEqual([used, free], [row.used, row.all ? null : row.next]));
}

let n = 0;
for (const row of rows('backoff.json')) {
  if (row.backoff) continue;
  const provider = row.provider ?? 'a';
  const id = `${provider}:x`;
  const agentDir = path.join(scratch, `agents/row${(n += 1)}/agent`);
  fs.mkdirSync(agentDir, { recursive: true, mode: 0o700 });
  const all = profiles({ profiles: { [id]: 'token' } });
  const usage = row.before ? { usageStats: { [id]: row.before } } : {};
  fs.writeFileSync(path.join(agentDir, 'auth-profiles.json'), JSON.stringify({ version: 1, profiles: all }));
  fs.writeFileSync(path.join(agentDir, 'auth-state.json'), JSON.stringify({ version: 1, ...usage }));
  const store = { version: 1, profiles: all, ...structuredClone(usage) };
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
