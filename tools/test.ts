/**
 * The one test runner. Unit tests share a process, because starting one costs more than most of them; tests that start
 * processes, servers or browsers have a process each, as many at a time as there are cores; tests that measure time have
 * the machine to themselves. What does not depend on the store runs again on a real PostgreSQL, which is started here
 * for the whole run. A run in which a test was skipped, marked todo or left out fails.
 *
 *     node tools/test.ts              everything but the system tests
 *     node tools/test.ts --unit       the tests beside the sources of the packages
 *     node tools/test.ts --postgres   what runs again on PostgreSQL, and nothing else
 *     node tools/test.ts --system     the tests that need what only an operating system brings
 *     node tools/test.ts FILE…        these files, each in its own process
 *
 * Files that are named find their own PostgreSQL where they need one; `PAWL_TEST_STORE=postgres` before the command
 * runs them on it.
 */

import { spawn, spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunClusters, startRunClusters } from '../test/postgres/run-clusters.ts'
import { readImports } from './imports.ts'
import type { Tally } from './count-tests.ts'

/** One run of `node --test`. */
interface Group {
  readonly title: string
  readonly files: readonly string[]
  readonly options: readonly string[]
  readonly environment?: Environment
}

type Environment = { readonly [name: string]: string }

/** A test that takes longer hangs, on however slow a machine. */
const testSecondsMax = 900
/** The same of a whole group of files. */
const groupSecondsMax = 3600

/** Whoever imports one of these does not share a process. */
const ownProcessModules = ['node:child_process', 'node:cluster', 'node:worker_threads', 'playwright-core']

/** Whoever imports one of these opens the store that `PAWL_TEST_STORE` names. */
const storeOfTheRun = /\/(?:stage|scene|server-process|two-servers|line)\.ts$/

const apart = ['--test-isolation=process', `--test-concurrency=${availableParallelism()}`]

const root = join(import.meta.dirname, '..')
const none: Tally = { tests: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0, failures: [] }

process.chdir(root)
process.exitCode = await main(process.argv.slice(2))

async function main(words: readonly string[]): Promise<number> {
  if (!isPinnedNode()) return 1
  if (words.includes('--system') || namesIn(words).length > 0) return runGroups(groupsFor(words), {})
  const clusters = await clustersOfTheRun()
  if (clusters === null) return 1
  try {
    console.log(`with ${clusters.names}`)
    return await runGroups([...groupsFor(words), ...groupsOn(clusters, words)], clusters.environment)
  } finally {
    await clusters.remove()
  }
}

/** Null, once the reason is said, where there are none: then nobody may think that all was tested. */
async function clustersOfTheRun(): Promise<RunClusters | null> {
  try {
    return await startRunClusters()
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error))
    return null
  }
}

async function runGroups(groups: readonly Group[], environment: Environment): Promise<number> {
  let total = none
  let isBroken = false
  for (const group of groups.filter(({ files }) => files.length > 0)) {
    console.log(`\n${group.title}: ${group.files.length} files`)
    const startedAtMs = performance.now()
    const { tally, exitCode } = await runGroup(group, environment)
    console.log(`${group.title}: ${Math.round((performance.now() - startedAtMs) / 1000)} s`)
    total = sum(total, tally)
    if (exitCode !== 0) isBroken = true
  }
  return conclude(total, isBroken)
}

function isPinnedNode(): boolean {
  return spawnSync(process.execPath, ['tools/pinned-node.js'], { stdio: 'inherit' }).status === 0
}

function groupsFor(words: readonly string[]): readonly Group[] {
  const alone = ['--test-isolation=process', '--test-concurrency=1']
  const together = ['--test-isolation=none']
  if (words.includes('--system'))
    return [{ title: 'system', files: find(['test/system/**/*.test.ts']), options: apart }]
  if (words.includes('--postgres')) return []
  const named = namesIn(words)
  if (named.length > 0) return [{ title: 'named', files: named, options: apart }]
  const beside = find(['packages/*/src/**/*.test.ts'])
  const units = beside.filter(mayShareProcess)
  const unit: Group = { title: 'unit, in one process', files: units, options: together }
  if (words.includes('--unit')) return [unit]
  const across = find(['test/**/*.test.ts', 'examples/*/**/*.test.ts', 'tools/**/*.test.ts', 'bench/**/*.test.ts'])
  const rest = [
    ...beside.filter(file => !mayShareProcess(file)),
    ...across.filter(file => !file.startsWith('test/system/')),
  ]
  return [
    unit,
    { title: 'a process each', files: rest.filter(file => !needsQuiet(file)), options: apart },
    { title: 'one after the other', files: rest.filter(needsQuiet), options: alone },
  ]
}

/** The stage and the processes, which take the store of their run, once more on the newest PostgreSQL there is. */
function groupsOn(clusters: RunClusters, words: readonly string[]): readonly Group[] {
  if (words.includes('--unit')) return []
  const files = find(['test/*.test.ts', 'test/{attacks,faults,processes}/*.test.ts'])
  const environment = { PAWL_TEST_STORE: 'postgres' }
  // A test that fails before it closes what it opened would keep its process for as long as the connections stand.
  const options = [...apart, '--test-force-exit']
  return [{ title: `on ${clusters.newest}`, files: files.filter(takesAnyStore), options, environment }]
}

function namesIn(words: readonly string[]): readonly string[] {
  return words.filter(word => !word.startsWith('--'))
}

/** What only tests use ends in `.test.ts` too, to stay out of what is published; run by itself it does nothing. */
function find(patterns: readonly string[]): readonly string[] {
  const exclude = ['**/node_modules/**', '**/dist/**']
  return globSync([...patterns], { exclude })
    .filter(holdsTests)
    .sort()
}

/** Its own tests, or those of another file that it calls. */
function holdsTests(file: string): boolean {
  return /^\s*(?:it|test|describe)\(|\.test\.ts'/m.test(readFileSync(file, 'utf8'))
}

function mayShareProcess(file: string): boolean {
  return readImports(root, file).every(({ specifier }) => specifier === null || !ownProcessModules.includes(specifier))
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

async function runGroup(
  group: Group,
  environment: Environment,
): Promise<{ readonly tally: Tally; readonly exitCode: number }> {
  const directory = mkdtempSync(join(tmpdir(), 'pawl-tests-'))
  const countsFile = join(directory, 'counts.json')
  try {
    const words = [
      '--test',
      `--test-timeout=${testSecondsMax * 1000}`,
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      `--test-reporter=${join(import.meta.dirname, 'count-tests.ts')}`,
      `--test-reporter-destination=${countsFile}`,
      ...group.options,
      ...group.files,
    ]
    const exitCode = await runNode(words, { ...environment, ...group.environment })
    return { tally: readTally(countsFile), exitCode }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function runNode(words: readonly string[], environment: Environment): Promise<number> {
  const env = { ...process.env, ...environment }
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'inherit', 'inherit'], env })
    const watchdog = setTimeout(() => {
      console.error(`The tests did not end within ${groupSecondsMax} seconds and were stopped.`)
      child.kill('SIGKILL')
    }, groupSecondsMax * 1000)
    child.once('error', reject)
    child.once('close', code => {
      clearTimeout(watchdog)
      resolve(code ?? 1)
    })
  })
}

/** A run that broke off before its summary has counted nothing; its exit code says that it failed. */
function readTally(file: string): Tally {
  const text = readFileSync(file, 'utf8')
  return text === '' ? none : (JSON.parse(text) as Tally)
}

function sum(one: Tally, other: Tally): Tally {
  return {
    tests: one.tests + other.tests,
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    cancelled: one.cancelled + other.cancelled,
    skipped: one.skipped + other.skipped,
    todo: one.todo + other.todo,
    failures: [...one.failures, ...other.failures],
  }
}

function conclude(total: Tally, isBroken: boolean): number {
  const unmet = total.skipped + total.todo
  if (unmet > 0)
    complain(`${total.skipped} tests were skipped and ${total.todo} are todo: a test runs, or it is deleted.`)
  if (total.tests === 0) complain('No test ran.')
  const failed = total.failed + total.cancelled
  if (isBroken && failed === 0) complain('A test process failed outside its tests.')
  // Once more, because the log of the run is long and its end is what everybody reads.
  for (const failure of total.failures) console.log(`\n✖ ${failure}`)
  console.log(`\n${total.passed} passed, ${failed + unmet} failed`)
  return isBroken || failed + unmet > 0 || total.tests === 0 ? 1 : 0
}

function complain(sentence: string): number {
  console.error(sentence)
  return 1
}
