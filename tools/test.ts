/**
 * The one test runner. Tests that start no process share one, because starting it costs more than most of them; tests that
 * start processes, servers or browsers have a process each; as many run at a time as there are cores, and tests that
 * measure time have the machine to themselves. What does not depend on the store runs again on a real PostgreSQL, which
 * is started here for the whole run. A run in which a test was skipped, marked todo or left out fails.
 *
 *     node tools/test.ts                  everything but the system tests
 *     node tools/test.ts --unit           the tests beside the sources of the packages
 *     node tools/test.ts --postgres       what runs again on PostgreSQL, and nothing else
 *     node tools/test.ts --system         the tests that need what only an operating system brings
 *     node tools/test.ts FILE…            these files, each in its own process
 *     node tools/test.ts --shared FILE…   these files in one process, in this order
 *
 * Files that are named find their own PostgreSQL where they need one; `PAWL_TEST_STORE=postgres` before the command
 * runs them on it.
 */

import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type RunClusters, startRunClusters } from '../test/postgres/run-clusters.ts'
import type { Tally } from './count-tests.ts'
import { type Environment, type Group, groupsFor, groupsOnPostgres, namesIn } from './test-groups.ts'

/** A test that takes longer hangs, on however slow a machine. */
const testSecondsMax = 900
/** The same of a whole group of files. */
const groupSecondsMax = 3600

const root = join(import.meta.dirname, '..')
/** Half of what it costs to start a process is compiling what it loads. Node finds what it kept here by its content. */
const compiledDirectory = join(root, '.tsbuild', 'compiled')
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
    return await runGroups([...groupsFor(words), ...groupsOnPostgres(clusters.newest, words)], clusters.environment)
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
  for (const group of groups.filter(({ processes }) => processes.length > 0)) {
    console.log(`\n${group.title}: ${group.processes.flat().length} files in ${group.processes.length} processes`)
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
      ...filesOf(group, directory),
    ]
    const exitCode = await runNode(words, { ...environment, ...group.environment })
    return { tally: readTally(countsFile), exitCode }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/**
 * The runner gives a process to each file, in the order of their names. So each process is written a file that loads its
 * tests, with a number for a name; where no process is shared, the files are their own.
 */
function filesOf({ processes }: Group, directory: string): readonly string[] {
  if (processes.every(files => files.length === 1)) return processes.flat()
  return processes.map((files, place) => {
    const loader = join(directory, `${String(place).padStart(3, '0')}.js`)
    writeFileSync(loader, loaderOf(files.map(file => resolve(file))))
    return loader
  })
}

function loaderOf(paths: readonly string[]): string {
  const [path] = paths
  if (paths.length === 1) return `import ${JSON.stringify(path)}\n`
  const loadTests = JSON.stringify(join(import.meta.dirname, 'load-tests.ts'))
  return `import { loadTests } from ${loadTests}\nawait loadTests(${JSON.stringify(paths)})\n`
}

function runNode(words: readonly string[], environment: Environment): Promise<number> {
  const env = { ...process.env, NODE_COMPILE_CACHE: compiledDirectory, ...environment }
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
