/** Several real processes on one file: no step is taken twice, and none that was acknowledged is lost (I1, I2). */

import assert from 'node:assert/strict'
import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Family } from '@pawl/family'
import { systemEntropy } from '../../domain/entropy.ts'
import type { Store } from '../../domain/store.ts'
import { systemClock } from '../../domain/time.ts'
import { opened, readFamily, rotated } from '../contract/fixture.test.ts'
import type { Race } from './racing-process.test.ts'
import { openSqliteStore } from './sqlite-store.ts'

const program = fileURLToPath(new URL('racing-process.test.ts', import.meta.url))
const entropy = systemEntropy()
const processes = 4

describe('several processes on one file', () => {
  it('take each step exactly once and lose none', async test => {
    const path = await filePath(test)
    const store = await openSqliteStore({ path, clock: systemClock, entropy })
    const race = await raceOn(store, path, { families: 8, generations: 125 })
    const run = promisify(execFile)
    const runs = await Promise.all(Array.from({ length: processes }, () => run(process.execPath, argumentsOf(race))))
    const steps = runs.flatMap(({ stdout }) => stdout.split('\n').filter(line => line !== ''))
    assert.equal(new Set(steps).size, steps.length, 'a step was taken twice')
    assert.equal(steps.length, race.families.length * race.generations)
    for (const id of race.families) assert.equal((await readFamily(store, { id })).family.generation, race.generations)
    await store.close()
  })

  it('create it together', async test => {
    const race: Race = { path: await filePath(test), families: [], generations: 0 }
    const run = promisify(execFile)
    const runs = await Promise.all(Array.from({ length: processes }, () => run(process.execPath, argumentsOf(race))))
    assert.deepEqual(
      runs.map(({ stderr }) => stderr),
      runs.map(() => ''),
    )
    const store = await openSqliteStore({ path: race.path, clock: systemClock, entropy })
    assert.equal(await store.check(), undefined)
    await store.close()
  })

  it('that are killed in the middle leave every acknowledged step behind, and the others go on', async test => {
    const path = await filePath(test)
    const store = await openSqliteStore({ path, clock: systemClock, entropy })
    for (let round = 0; round < 5; round++) {
      const race = await raceOn(store, path, { families: 4, generations: 1_000_000 })
      const last = await killAfter(race, 200 + round * 37)
      for (const [id, stepId] of last) {
        const { family } = await readFamily(store, { id: id as Family['id'] })
        assert.notEqual(family.stepId, stepId, 'a step that was acknowledged is undone')
      }
    }
    await store.close()
  })
})

describe('a disk that is full', () => {
  it('fails the write as unavailable, keeps what was acknowledged and goes on once there is room', async test => {
    const path = await filePath(test)
    const store = await openSqliteStore({ path, clock: systemClock, entropy })
    const race = await raceOn(store, path, { families: 4, generations: 1_000_000 })
    await store.close()
    // The shell's limit on the size of a file stands for the disk's: the log stops growing in the middle of a COMMIT.
    const limited = ['-c', 'ulimit -f 2000; exec "$0" "$@"', process.execPath, ...argumentsOf(race)]
    const { status, stdout, stderr } = spawnSync('/bin/sh', limited, { encoding: 'utf8', maxBuffer: outputBytesMax })
    assert.equal(status, 1)
    assert.match(stderr, /StoreUnavailable/)
    const again = await openSqliteStore({ path, clock: systemClock, entropy })
    const last = new Map(stdout.split('\n').map(line => line.split(' ') as [string, string]))
    last.delete('')
    assert.equal(last.size, race.families.length)
    for (const [id, stepId] of last) {
      const { family } = await readFamily(again, { id: id as Family['id'] })
      assert.notEqual(family.stepId, stepId, 'a step that was acknowledged is undone')
      await rotated({ store: again, entropy }, family)
    }
    await again.close()
  })
})

const outputBytesMax = 64 * 1024 * 1024

async function filePath(test: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'pawl-store-'))
  test.after(() => rm(directory, { recursive: true }))
  return join(directory, 'data', 'pawl.db')
}

async function raceOn(store: Store, path: string, size: { families: number; generations: number }): Promise<Race> {
  const families = await Promise.all(Array.from({ length: size.families }, () => opened({ store, entropy })))
  return { path, families: families.map(family => family.id), generations: size.generations }
}

function argumentsOf(race: Race): string[] {
  return [program, JSON.stringify(race)]
}

/** Kills the process after so many acknowledged steps; answers the last step id each family was moved on from. */
async function killAfter(race: Race, steps: number): Promise<Map<string, string>> {
  const child = spawn(process.execPath, argumentsOf(race), { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const last = new Map<string, string>()
  let seen = 0
  for await (const line of createInterface({ input: child.stdout })) {
    const [id = '', stepId = ''] = line.split(' ')
    last.set(id, stepId)
    seen += 1
    if (seen === steps) child.kill('SIGKILL')
  }
  const [, signal] = (await exited) as [number | null, string | null]
  assert.equal(signal, 'SIGKILL')
  return last
}
