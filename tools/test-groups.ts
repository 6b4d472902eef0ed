/**
 * Which test files there are, and which of them run together: in one process, at the same time, or with the machine to
 * themselves.
 */

import { existsSync, globSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { readImports } from './imports.ts'

/** One run of `node --test`. */
export interface Group {
  readonly title: string
  /** Each list of files in a process of its own; they begin in this order, as many at a time as the options say. */
  readonly processes: readonly (readonly string[])[]
  readonly options: readonly string[]
  readonly environment?: Environment
}

export type Environment = { readonly [name: string]: string }

/** So many that starting processes costs little, so few that one cannot hold up the run. */
const filesPerProcessMax = 16

/** Whoever imports one of these does not share a process: it starts others, or counts what its own does. */
const ownProcessModules = [
  'node:child_process',
  'node:cluster',
  'node:inspector/promises',
  'node:worker_threads',
  'playwright-core',
]

/** What takes longest begins first, so that at the end no core waits for another. */
const longOnes = /^test\/(?:browser|client|failover|faults|nodes|processes)\//

/** Whoever imports one of these opens the store that `PAWL_TEST_STORE` names. */
const storeOfTheRun = /\/(?:stage|scene|server-process|two-servers|line)\.ts$/

const apart = ['--test-isolation=process', `--test-concurrency=${availableParallelism()}`]

const root = join(import.meta.dirname, '..')

/** The groups that `words`, the arguments of the command line, ask for on the store that is the default. */
export function groupsFor(words: readonly string[]): readonly Group[] {
  const named = namesIn(words)
  if (words.includes('--postgres')) return []
  if (words.includes('--system')) return [eachAlone('system', find(['test/system/**/*.test.ts']))]
  if (words.includes('--shared')) return [{ ...eachAlone('in one process', []), processes: [named] }]
  if (named.length > 0) return [eachAlone('named', named)]
  const beside = find(['packages/*/src/**/*.test.ts'])
  if (words.includes('--unit')) return [shared('unit', beside.filter(mayShareProcess))]
  const across = find(['test/**/*.test.ts', 'examples/*/**/*.test.ts', 'tools/**/*.test.ts', 'bench/**/*.test.ts'])
  const files = [...beside, ...across.filter(file => !file.startsWith('test/system/'))]
  const quiet = { ...eachAlone('one after the other', files.filter(needsQuiet)), options: ['--test-concurrency=1'] }
  return [
    shared(
      'together',
      files.filter(file => !needsQuiet(file)),
    ),
    quiet,
  ]
}

/** The stage and the processes, which take the store of their run, once more on the newest PostgreSQL there is. */
export function groupsOnPostgres(newest: string, words: readonly string[]): readonly Group[] {
  if (words.includes('--unit')) return []
  const files = find(['test/*.test.ts', 'test/{attacks,faults,processes}/*.test.ts']).filter(takesAnyStore)
  const environment = { PAWL_TEST_STORE: 'postgres' }
  const group = shared(`on ${newest}`, files)
  // A test that fails before it closes what it opened would keep its process for as long as the connections stand.
  return [{ ...group, options: [...group.options, '--test-force-exit'], environment }]
}

export function namesIn(words: readonly string[]): readonly string[] {
  return words.filter(word => !word.startsWith('--'))
}

function eachAlone(title: string, files: readonly string[]): Group {
  return { title, processes: files.map(file => [file]), options: apart }
}

/** Those that start no process share one with others, because starting one costs more than most of them. */
function shared(title: string, files: readonly string[]): Group {
  const alone = files.filter(file => !mayShareProcess(file))
  const long = alone.filter(file => longOnes.test(file)).map(file => [file])
  const short = alone.filter(file => !longOnes.test(file)).map(file => [file])
  return { ...eachAlone(title, []), processes: [...long, ...dealt(files.filter(mayShareProcess)), ...short] }
}

/** Round by round, as cards are: neighbours, which cost about the same, come into different processes. */
function dealt(files: readonly string[]): readonly (readonly string[])[] {
  const count = Math.ceil(files.length / filesPerProcessMax)
  return Array.from({ length: count }, (_, hand) => files.filter((_file, place) => place % count === hand))
}

/** What only tests use ends in `.test.ts` too, to stay out of what is published; run by itself it does nothing. */
function find(patterns: readonly string[]): readonly string[] {
  const exclude = ['**/node_modules/**', '**/dist/**']
  return globSync([...patterns], { cwd: root, exclude })
    .filter(holdsTests)
    .sort()
}

/** Its own tests, or those of another file that it calls. */
function holdsTests(file: string): boolean {
  return /^\s*(?:it|test|describe)\(|\.test\.ts'/m.test(readFileSync(join(root, file), 'utf8'))
}

/**
 * It starts and counts nothing, nor does what it takes from the tests' own ground. The databases are left out: in a whole run
 * their servers stand before the first test.
 */
function mayShareProcess(file: string): boolean {
  const reached = new Set([file])
  for (const at of reached) {
    const specifiers = readImports(root, at).map(({ specifier }) => specifier ?? '')
    if (specifiers.some(specifier => ownProcessModules.includes(specifier))) return false
    const relative = specifiers
      .filter(specifier => specifier.startsWith('.'))
      .map(specifier => join(at, '..', specifier))
    for (const next of relative) if (isGround(next) && existsSync(join(root, next))) reached.add(next)
  }
  return !file.startsWith('test/postgres/')
}

function isGround(file: string): boolean {
  if (file.startsWith('test/postgres/')) return false
  return /^(?:test|bench|examples|tools)\/|\.test\.ts$/.test(file)
}

/** What measures time must not share the machine with other tests. */
function needsQuiet(file: string): boolean {
  return file.startsWith('bench/') || /\btiming\b[^/]*\.test\.ts$/.test(file)
}

/** What is about SQLite alone says so in its name. What measures time measures no database. */
function takesAnyStore(file: string): boolean {
  if (/sqlite/.test(file) || needsQuiet(file)) return false
  const specifiers = readImports(root, file).map(({ specifier }) => specifier ?? '')
  return specifiers.some(specifier => storeOfTheRun.test(specifier))
}
