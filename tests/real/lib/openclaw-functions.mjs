// The real client's own functions for authentication profiles, and an agent's store for them: JSON files up to
// 2026.6.1, SQLite later.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

// The names of the bundles and of their exports change with every build. Some bundles have a copy that they do not
// export.
async function load(dist, name) {
  for (const file of fs.readdirSync(dist).filter((file) => /\.m?js$/.test(file))) {
    const text = fs.readFileSync(path.join(dist, file), 'utf8');
    if (!new RegExp(`^(async )?function ${name}\\(`, 'm').test(text)) continue;
    const exported = new RegExp(`\\b${name} as (\\w+)`).exec(text);
    const found = (await import(pathToFileURL(path.join(dist, file))))[exported ? exported[1] : name];
    if (found) return found;
  }
  throw new Error(`the client has no ${name}`);
}

/** Returns the client in a package directory: its version, its functions, and how to write and read a store. */
export async function openclaw(directory) {
  const { version } = JSON.parse(fs.readFileSync(path.join(directory, 'package.json'), 'utf8'));
  const dist = path.join(directory, 'dist');
  const functions = {};
  for (const [as, name] of [
    ['order', 'resolveAuthProfileOrder'],
    ['stored', 'loadPersistedAuthProfileStore'],
    ['failed', 'markAuthProfileFailure'],
    ['served', 'markAuthProfileSuccess'],
    ['cools', 'isProfileInCooldown'],
    ['parsed', 'parseJsonWithJson5Fallback'],
    ['included', 'resolveConfigIncludes'],
    ['aliases', 'resolveProviderAuthAliasMap'],
  ]) functions[as] = await load(dist, name);
  if (version.startsWith('2026.6.1')) {
    const write = (file, agentDir, value) => fs.writeFileSync(path.join(agentDir, file), JSON.stringify(value));
    return {
      version,
      ...functions,
      write: (agentDir, index, state) => {
        write('auth-profiles.json', agentDir, index);
        write('auth-state.json', agentDir, state);
      },
      usage: (agentDir, id) => JSON.parse(fs.readFileSync(path.join(agentDir, 'auth-state.json'), 'utf8')).usageStats?.[id],
    };
  }
  const writeStore = await load(dist, 'writePersistedAuthProfileStoreRaw');
  const writeState = await load(dist, 'writePersistedAuthProfileStateRaw');
  return {
    version,
    ...functions,
    write: (agentDir, index, state) => {
      writeStore(index, agentDir);
      // The order is in the state, and only there.
      writeState({ ...state, ...(index.order && !state.order ? { order: index.order } : {}) }, agentDir);
    },
    usage: (agentDir, id) => {
      const usage = functions.stored(agentDir).usageStats?.[id];
      // When it last asked for the limits of a sign-in at OpenAI: nothing that decides about a cooldown.
      if (usage) delete usage.lastProbeAt;
      return usage;
    },
  };
}
