// `.env` files: compares what the client's own parser reads in them with what Strongroom reads.
//
//   node dotenv.mjs record FIXTURE DOTENV           puts the client's answers into the fixture's rows
//   node dotenv.mjs check FIXTURE DOTENV            checks that the recorded answers are the client's
//   node dotenv.mjs generate SEED COUNT DOTENV      random files with the client's answers, one JSON object a line
//   node dotenv.mjs import SEED COUNT DOTENV BIN    imports random files by the command line; BIN is Strongroom
//
// DOTENV is the directory of the client's parser. All values are made up.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'

const load = (directory) => createRequire(import.meta.url)(directory).parse

// --- random files -------------------------------------------------------------------------------------------

const KNOWN = {
  ANTHROPIC_API_KEY: 'anthropic', OPENAI_API_KEY: 'openai', CODEX_API_KEY: 'openai', GEMINI_API_KEY: 'google',
  GOOGLE_API_KEY: 'google', GROQ_API_KEY: 'groq', XAI_API_KEY: 'xai', FAL_KEY: 'fal', HF_TOKEN: 'huggingface',
  PERPLEXITY_API_KEY: 'perplexity', OLLAMA_API_KEY: 'ollama',
}
const NAMES = [...Object.keys(KNOWN), ...Object.keys(KNOWN), 'X', 'FOO_KEY', 'a.b-c', '1A', 'export', 'exportX', '_', 'ÄB', 'A B']
const BLANKS = [
  ' ', ' ', '  ', '\t', '\u00a0', '\ufeff', '\u2003', '\v', '\f', ' \t ', '\u1680', '\u2000', '\u200a', '\u2028', '\u202f',
  '\u205f', '\u3000',
]
const ENDS = ['\n', '\n', '\n', '\r\n', '\r\n', '\r', '\n\n', '\n \n', '\r\r\n', '\u2028', '\u2029', '']
const INNER = [
  ...'abz019_-.+/', ...'abz019_-.+/', ' ', '#', '=', ':', '"', "'", '`', '\\', '\\n', '\\r', '\\\\', '\\"', "\\'", '\\`', '$', '$$',
  '${A}', '$(b)', '$A', 'ä', '😀', '\u00a0', '\ufeff', '\u2028', '\u200b', '\u180e', '\u3000', '\t', '\u0085', '{', '}', '%', '!', ',', ';',
]

function randomness(seed) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const below = (n) => Math.floor(next() * n)
  const one = (list) => list[below(list.length)]
  const chance = (p) => next() < p
  return { below, one, chance }
}

function words(r, most) {
  let text = ''
  for (let n = r.below(most + 1); n > 0; n--) text += r.one(INNER)
  return text
}

function value(r) {
  const quote = r.one(['"', "'", '`'])
  const lines = () => {
    let text = words(r, 6)
    while (r.chance(0.25)) text += r.one(['\n', '\r\n', '\r']) + (r.chance(0.3) ? `${r.one(NAMES)}=` : '') + words(r, 6)
    return text
  }
  switch (r.below(12)) {
    case 0: return ''
    case 1: case 2: case 3: return `made-up-${r.below(1000)}${r.chance(0.3) ? words(r, 4) : ''}`
    case 4: return words(r, 10)
    case 5: return `${quote}made-up-${r.below(1000)}${quote}`
    case 6: case 7: return quote + lines() + quote
    case 8: return quote + words(r, 6)
    case 9: return quote + words(r, 6) + quote + words(r, 3)
    case 10: return quote + quote
    default: return r.one(['op://a/b/c', '${OTHER}', '$(pass show x)', '`pass show x`', '***', 'changeme', '"$A"', "'$A'"])
  }
}

function statement(r) {
  const blank = (p) => (r.chance(p) ? r.one(BLANKS) : '')
  switch (r.below(14)) {
    case 0: return `${blank(0.3)}#${words(r, 8)}${r.chance(0.2) ? ` ${r.one(NAMES)}=made-up` : ''}`
    case 1: return words(r, 8)
    case 2: return r.one(['export', `export ${r.one(NAMES)}`, `${r.one(NAMES)} made-up-1`, '---', '[section]', `${r.one(NAMES)}:made-up`])
    default: {
      const exported = r.chance(0.15) ? `export${r.one([...BLANKS, '\n', '\r\n'])}` : ''
      const sign = r.one(['=', '=', '=', '=', '=', ':', ': ', ':\t', ':\n', ':\r\n', '=\n', '=\r\n', '\n=', '\r=', '=\n\n', ': \n', '=='])
      const comment = r.chance(0.2) ? `${blank(0.6)}#${words(r, 5)}` : ''
      return blank(0.2) + exported + r.one(NAMES) + blank(0.15) + sign + blank(0.2) + value(r) + blank(0.2) + comment
    }
  }
}

function file(r) {
  if (r.chance(0.1)) {
    // Random text that the grammar alone would rarely produce.
    const of = [...INNER, ...INNER, ...ENDS, ...BLANKS, ...NAMES, '=', '=', '\n', '\n', 'export ']
    let text = ''
    for (let n = r.below(40); n > 0; n--) text += r.one(of)
    return text
  }
  let text = r.chance(0.1) ? '\ufeff' : ''
  const end = r.one(['\n', '\r\n', '\r', null, null])
  for (let n = 1 + r.below(8); n > 0; n--) text += statement(r) + (end && !r.chance(0.1) ? end : r.one(ENDS))
  return text
}

function* files(seed, count) {
  const r = randomness(seed)
  for (let n = 0; n < count; n++) yield file(r)
}

// --- the command line ---------------------------------------------------------------------------------------

const FIRST = [['CODEX_API_KEY', 'OPENAI_API_KEY'], ['GEMINI_API_KEY', 'GOOGLE_API_KEY']]
// The characters that Strongroom treats as white space, which alone are not a secret.
const empty = (text) => /^[\s\u0085\u00ad\u180e\u200b\u2060]*$/u.test(text)

function importing(seed, count, parse, binary) {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'strongroom-dotenv-'))
  const env = { HOME: home, PATH: '/usr/bin:/bin', XDG_RUNTIME_DIR: home }
  const run = (...args) => spawnSync(binary, args, { env, cwd: home, encoding: 'utf8' })
  const tally = { files: 0, taken: 0, refused: 0, passed: 0, different: 0, missing: 0 }
  try {
    const made = run('init', '--store', 'file')
    if (made.status !== 0) throw new Error(`init: ${made.stderr}`)
    let n = 0
    for (const text of files(seed, count)) {
      const source = path.join(home, 'source.env')
      fs.writeFileSync(source, text, { mode: 0o600 })
      const answer = parse(text)
      const agent = `a${n++}`
      const plan = run('import', source, '--from', 'env', '--agent', agent, '--dry-run', '--skip-invalid', '--json')
      const done = run('import', source, '--from', 'env', '--agent', agent, '--skip-invalid', '--json')
      const told = JSON.parse(plan.stdout || '{}')
      const at = (list, name) => (told[list] ?? []).find(({ place }) => place === name || place.startsWith(`${name} (`))
      tally.files++
      for (const [name, provider] of Object.entries(KNOWN)) {
        const theirs = answer[name]
        const entry = at('entries', name)
        if (theirs === undefined) {
          if (entry) bad('different', text, name)
        } else if (entry) {
          const secret = run('get', `${provider}:default`, '--agent', agent).stdout.replace(/\n$/, '')
          // If something around the value is removed, Strongroom says so.
          const warned = told.warnings.some((warning) => warning.startsWith(name))
          if (done.status === 0 && (secret === theirs || (warned && theirs.includes(secret)))) tally.taken++
          else bad('different', text, name)
        } else if (at('invalid', name)) {
          tally.refused++
        } else if (at('skipped', name)) {
          const stronger = FIRST.find(([, weaker]) => weaker === name)?.[0]
          const why = empty(theirs) || theirs.startsWith('op://') || (stronger && answer[stronger] !== undefined)
          if (why) tally.passed++
          else bad('missing', text, name)
        } else {
          bad('missing', text, name)
        }
      }
    }
  } finally {
    fs.rmSync(home, { recursive: true, force: true })
  }
  return tally

  function bad(kind, text, name) {
    tally[kind]++
    console.error(`${kind}: ${name} in ${JSON.stringify(text)}`)
  }
}

// --- commands -----------------------------------------------------------------------------------------------

// In ASCII, because many of the characters are invisible.
const line = (row) => `${JSON.stringify(row).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`
const rows = (fixture) => fs.readFileSync(fixture, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line))
const [verb, ...rest] = process.argv.slice(2)
if (verb === 'record') {
  const [fixture, parser] = rest
  const parse = load(parser)
  fs.writeFileSync(fixture, rows(fixture).map((row) => line({ ...row, answer: parse(row.text) })).join(''))
} else if (verb === 'check') {
  const [fixture, parser] = rest
  const parse = load(parser)
  const wrong = rows(fixture).filter((row) => JSON.stringify(row.answer) !== JSON.stringify(parse(row.text)))
  for (const row of wrong) console.error(`not the client's answer: ${row.what}`)
  console.log(rows(fixture).length)
  process.exitCode = wrong.length ? 1 : 0
} else if (verb === 'generate') {
  const [seed, count, parser] = rest
  const parse = load(parser)
  for (const text of files(Number(seed), Number(count))) {
    fs.writeSync(1, line({ what: '', text, answer: parse(text) }))
  }
} else if (verb === 'import') {
  const [seed, count, parser, binary] = rest
  console.log(JSON.stringify(importing(Number(seed), Number(count), load(parser), binary)))
} else {
  console.error('usage: dotenv.mjs record|check|generate|import ...')
  process.exitCode = 64
}
