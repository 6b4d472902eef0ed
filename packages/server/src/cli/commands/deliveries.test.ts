import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { ClientId, SessionId, Subject } from '@pawl/family'
import { systemEntropy } from '../../domain/entropy.ts'
import type { Delivery, DeliveryState } from '../../domain/outbox/outbox.ts'
import { openSqliteStore } from '../../store/sqlite/sqlite-store.ts'
import { runHere } from '../fixture.test.ts'

const nowMs = Date.UTC(2027, 0, 5, 12)

function deliveryIn(state: DeliveryState): Delivery {
  return {
    id: state,
    channel: 'backchannel_logout',
    clientId: `client-${state}` as ClientId,
    subject: 'user-1' as Subject,
    sessionId: 'session-1' as SessionId,
    reason: 'signed\u001b[2J out',
    createdAtMs: nowMs,
    state,
    attempts: 2,
    nextAtMs: nowMs + 60_000,
    lastAtMs: nowMs + 1000,
    lastResult: '503',
  }
}

describe('pawl deliveries list', () => {
  it('shows what was told, what is still tried and what was given up, and harms no terminal', async test => {
    const directory = mkdtempSync(join(tmpdir(), 'pawl-deliveries-'))
    test.after(() => rmSync(directory, { recursive: true }))
    const path = join(directory, 'pawl.db')
    const where = ['--store', `sqlite:${path}`, '--data', directory]
    const empty = await runHere(['deliveries', 'list', ...where])
    assert.deepEqual([empty.exitCode, empty.out], [0, ''])
    assert.match(empty.err, /There are none/)

    const store = await openSqliteStore({ path, clock: { nowMs: () => nowMs }, entropy: systemEntropy() })
    await store.cutOffs.set({ target: { kind: 'everyone' }, reason: 'test', by: 'rule', beforeMs: null }, [])
    const [notice] = await store.outbox.notices(1)
    assert.ok(notice !== undefined)
    await store.outbox.spread(notice, [deliveryIn('pending'), deliveryIn('failed')], null, [])
    await store.close()

    const listed = async (...flags: readonly string[]) =>
      JSON.parse((await runHere(['deliveries', 'list', ...where, '--json', ...flags])).out) as readonly object[]
    const [first] = await listed('--failed')
    assert.deepEqual(first, {
      id: 'failed',
      channel: 'backchannel_logout',
      client_id: 'client-failed',
      sub: 'user-1',
      sid: 'session-1',
      reason: 'signed\u001b[2J out',
      state: 'failed',
      attempts: 2,
      created_at: '2027-01-05T12:00:00.000Z',
      last_attempt_at: '2027-01-05T12:00:01.000Z',
      last_result: '503',
      next_attempt_at: null,
    })
    assert.equal((await listed('--pending')).length, 1)
    assert.equal((await listed()).length, 2)
    assert.equal((await listed('--limit', '1')).length, 1)

    const shown = await runHere(['deliveries', 'list', ...where])
    assert.match(shown.out, /client-pending/)
    assert.equal(shown.out.includes('\u001b[2J'), false)
    assert.equal((await runHere(['deliveries', 'list', ...where, '--failed', '--pending'])).exitCode, 2)
  })
})
