import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { seededEntropy } from '../../store/contract/fixture.test.ts'
import { openSqliteStore } from '../../store/sqlite/sqlite-store.ts'
import { background } from '../background.ts'
import type { RequestId } from '../identifiers.ts'
import { type Refusal, refusalsKeptSeconds } from './refusal.ts'
import { refusalDetailCharactersMax, refusalLog, refusalsKeptPerSecondMax } from './refusal-log.ts'

const nowMs = refusalsKeptSeconds * 1000

function refusalOf(number: number, detail = 'no such client', atMs = nowMs): Refusal {
  const nobody = { clientId: null, familyId: null, generation: null, address: '192.0.2.1' }
  return {
    requestId: `req_${number}` as RequestId,
    atMs,
    endpoint: '/token',
    code: 'invalid_client',
    detail,
    ...nobody,
  }
}

/** What was kept of each, or null. */
async function kept(test: TestContext, refusals: readonly Refusal[]): Promise<readonly (string | null)[]> {
  const clock = { nowMs: () => nowMs }
  const store = await openSqliteStore({ path: ':memory:', clock, entropy: seededEntropy(test.name) })
  test.after(() => store.close())
  const tasks = background(error => assert.fail(String(error)))
  const keep = refusalLog(store.refusals, tasks)
  for (const refusal of refusals) keep(refusal)
  await tasks.drain()
  const found = await Promise.all(refusals.map(({ requestId }) => store.refusals.ofRequest(requestId)))
  return found.map(refusal => refusal?.detail ?? null)
}

describe('the log of refusals', () => {
  it('keeps the first of each second', async test => {
    const flood = Array.from({ length: refusalsKeptPerSecondMax + 2 }, (_, number) => refusalOf(number))
    const next = refusalOf(flood.length, 'the next second', nowMs + 1000)
    const details = await kept(test, [...flood, next])
    assert.equal(details.indexOf(null), refusalsKeptPerSecondMax)
    assert.deepEqual(details.slice(-3), [null, null, 'the next second'])
  })
  it('keeps the words of a stranger in a form that every store takes, and no more of them than a sentence', async test => {
    const whole = 'x'.repeat(refusalDetailCharactersMax)
    const quoted = refusalOf(1, 'statements of \0\ud800 are not taken')
    assert.deepEqual(await kept(test, [quoted, refusalOf(2, whole), refusalOf(3, `${whole}y`)]), [
      'statements of \ufffd\ufffd are not taken',
      whole,
      whole,
    ])
  })
})
