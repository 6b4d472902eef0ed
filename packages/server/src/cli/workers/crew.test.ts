/** Workers that die, and the one that has to go on without them. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { settingsSchema } from '../../config/settings.ts'
import { masterKeys, newMasterKey } from '../../domain/keys/master-keys.ts'
import { carryConfig } from '../../config/carried-config.ts'
import { systemEntropy } from '../../domain/entropy.ts'
import { argon2Hasher, type PasswordHasher } from '../../domain/user/password.ts'
import { lineLogger } from '../../http/access-log.ts'
import { commonOf } from '../../pawl.ts'
import { writeTurn } from '../../store/sqlite/write-turn.ts'
import { type CrewParts, deathsForgivenMax, startCrew } from './crew.ts'
import { dies } from './doomed-thread.test.ts'

const program = fileURLToPath(new URL('doomed-thread.test.ts', import.meta.url))
const entropy = systemEntropy()
const longMs = 3_600_000

interface Scene {
  readonly parts: CrewParts
  readonly lines: readonly string[]
  /** Resolves once the log holds so many lines with this text. */
  readonly said: (text: string, times: number) => Promise<void>
  readonly hashing: PromiseWithResolvers<void>
}

function scene(): Scene {
  const lines: string[] = []
  const told = { write: (line: string) => void lines.push(line) }
  const hashing = Promise.withResolvers<void>()
  // The answer to the worker's question is what ends it, so the test holds it back.
  const passwords: PasswordHasher = {
    ...argon2Hasher(entropy),
    hash: async () => {
      await hashing.promise
      return { kind: 'too_busy' }
    },
  }
  const parts: CrewParts = {
    config: carryConfig(settingsSchema.parse({}), masterKeys([newMasterKey(entropy, 1)]), 1),
    common: commonOf(2),
    passwords,
    logger: lineLogger('info', told),
    lines: told,
    nowMs: () => 0,
    program,
  }
  const said = async (text: string, times: number): Promise<void> => {
    while (lines.filter(line => line.includes(text)).length < times) await new Promise(next => setImmediate(next))
  }
  return { parts, lines, said, hashing }
}

function started(test: TestContext, { parts }: Scene) {
  const crew = startCrew(parts)
  test.after(() => crew.stop())
  return crew
}

describe('a worker', () => {
  it('joins, speaks through the main thread and ends when it is told to', async test => {
    const { parts, lines, said, ...rest } = scene()
    const crew = started(test, { parts, lines, said, ...rest })
    assert.equal(await crew.check(), undefined, 'a worker that still starts is no trouble')
    await said('a worker joined', 1)
    assert.ok(lines.includes('it is my turn\n'))
    assert.equal(await crew.check(), undefined)
    await crew.stop()
  })

  it('that dies in its turn to write leaves it to the others, and is replaced', async test => {
    const stage = scene()
    started(test, stage)
    await stage.said('a worker joined', 1)
    const ours = writeTurn(stage.parts.common.turns, 0, longMs)
    const turn = ours.take(() => assert.fail('the turn is late'))
    stage.hashing.resolve()
    await turn
    await stage.said('in the middle of a turn', 1)
    await stage.said('another will take its place', 1)
    ours.pass()
    await stage.said('a worker joined', 2)
  })

  it('that dies again and again is replaced ever less soon, and the server is not ready', async test => {
    const stage = scene()
    new Int32Array(stage.parts.common.hashesFull)[0] = dies
    const crew = started(test, stage)
    await stage.said('another will take its place', deathsForgivenMax + 1)
    await assert.rejects(crew.check(), /keeps dying/)
    const pauses = stage.lines.flatMap(line => /"pauseMs":(\d+)/.exec(line)?.[1] ?? [])
    assert.deepEqual(pauses.slice(0, 3), ['100', '200', '400'])
    new Int32Array(stage.parts.common.hashesFull)[0] = 0
    await stage.said('a worker joined', 1)
    assert.equal(await crew.check(), undefined)
  })
})
