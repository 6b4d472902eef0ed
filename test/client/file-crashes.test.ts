/** A file store whose processes are killed: at every call that changes the disk, and with locks that others then race for. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it, type TestContext } from 'node:test'
import { fileStore } from '@pawl/client/file'
import { newRecord } from '../../packages/client/src/testing/custody-scene.ts'
import type { Contest } from './file-contender.ts'
import { type Death, survived, type Verb, verbs } from './file-victim.ts'

/** More calls than any verb makes. */
const callsMax = 40
const contenders = 8
const claimsOfTheDead = 30

describe('a file store whose process is killed', () => {
  for (const verb of verbs) {
    it(`at any call of a ${verb} leaves the old record or the new one, no lock, and nothing that stays`, async test => {
      let call = 0
      while ((await dieIn(test, verb, call)) === 'killed') {
        call += 1
        assert.ok(call < callsMax, 'the calls never end')
      }
      test.diagnostic(`killed before each of ${call} calls`)
      assert.ok(call > 2, 'it never died')
    })
  }

  it('with locks and leases leaves each to exactly one of eight that come at the same time', async test => {
    const directory = newDirectory(test)
    const names = Array.from({ length: claimsOfTheDead }, (_, at) => `name ${at}`)
    const counters = names.map(name => `counter of ${name}`)
    const contest: Contest = { directory, counters, leases: names }
    const contestants = await Promise.all(Array.from({ length: contenders }, () => startContender(test, contest)))
    await runVictim({ kind: 'holding', directory, locks: counters.map(lockOf), leases: names })
    for (const { child } of contestants) child.stdin?.write('go\n')
    await Promise.all(contestants.map(({ done }) => done))
    const leased = contestants.flatMap(({ lines }) => lines.filter(line => line.startsWith('leased ')))
    assert.deepEqual(leased.toSorted(), names.map(name => `leased ${name}`).toSorted())
    const store = fileStore(directory)
    for (const name of counters) assert.equal((await store.load(name))?.sealed, String(contenders), name)
    for (const { child } of contestants) child.stdin?.end()
    await Promise.all(contestants.map(({ gone }) => gone))
    fileStore(directory)
    assert.deepEqual(
      readdirSync(directory).filter(entry => !entry.endsWith('.grant')),
      [],
    )
  })
})

/** The process is killed before its call with this number; then another one goes on. */
async function dieIn(test: TestContext, verb: Verb, call: number): Promise<'killed' | 'survived'> {
  const directory = newDirectory(test)
  const [before, next, later] = [newRecord(), newRecord(), newRecord()]
  const bystander = fileStore(directory)
  await bystander.save('grant', before, null)
  const end = await runVictim({ kind: 'at', directory, verb, call, before, next })
  const kept = await bystander.load('grant')
  const outcomes = { save: [before.version, next.version], remove: [before.version, null], lease: [before.version] }
  assert.ok(
    (outcomes[verb] as readonly unknown[]).includes(kept?.version ?? null),
    `${verb} ${call}: something else is kept`,
  )
  assert.equal(await bystander.save('grant', later, kept?.version ?? null), 'saved')
  const lease = await bystander.lease('grant', 60)
  assert.ok(lease !== null, `${verb} ${call}: the lease stays with the dead`)
  await lease.release()
  fileStore(directory)
  assert.deepEqual(readdirSync(directory), [fileOf('grant', '.grant')], `${verb} ${call}: something is left`)
  assert.deepEqual(await bystander.load('grant'), later)
  return end
}

async function runVictim(death: Death): Promise<'killed' | 'survived'> {
  const victim = spawn(process.execPath, [join(import.meta.dirname, 'file-victim.ts'), JSON.stringify(death)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  victim.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString()
  })
  const [code, signal] = (await once(victim, 'close')) as [number | null, string | null]
  assert.ok(signal === 'SIGKILL' || (code === 0 && said === survived), `the victim ended with ${code}: ${said}`)
  return signal === 'SIGKILL' ? 'killed' : 'survived'
}

interface Contender {
  readonly child: ChildProcess
  readonly lines: readonly string[]
  readonly done: Promise<void>
  readonly gone: Promise<unknown>
}

/** Resolves when it is ready. */
async function startContender(test: TestContext, contest: Contest): Promise<Contender> {
  const program = join(import.meta.dirname, 'file-contender.ts')
  const child = spawn(process.execPath, [program, JSON.stringify(contest)], { stdio: ['pipe', 'pipe', 'inherit'] })
  test.after(() => child.kill('SIGKILL'))
  const gone = once(child, 'close')
  const lines: string[] = []
  const heard = Promise.withResolvers<void>()
  const done = Promise.withResolvers<void>()
  createInterface(child.stdout).on('line', line => {
    lines.push(line)
    if (line === 'ready') heard.resolve()
    if (line === 'done') done.resolve()
  })
  child.on('exit', code => {
    heard.resolve()
    if (!lines.includes('done')) done.reject(new Error(`a contender ended with ${code}`))
  })
  await heard.promise
  return { child, lines, done: done.promise, gone }
}

function lockOf(name: string): string {
  return fileOf(name, '.lock')
}

function fileOf(name: string, ending: string): string {
  return `${createHash('sha256').update(name).digest('hex')}${ending}`
}

function newDirectory(test: TestContext): string {
  const directory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'pawl-crashes-'))
  test.after(() => rmSync(directory, { recursive: true }))
  return directory
}
