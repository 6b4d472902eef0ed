/** What is pushed comes back as it was, closes once and for all, and leaves when its time is over. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PushedRequest } from '../../domain/pushed-request/pushed-request.ts'
import { clientId, type Kind, sceneOf, startMs } from './fixture.test.ts'

export function provePushedRequests(kind: Kind): void {
  describe('a pushed request', () => {
    it('comes back as it was saved, whatever its time is', async test => {
      const { store, clock } = await sceneOf(kind, test)
      const saved = pushed
      await store.pushedRequests.save(saved)
      clock.advance(3_600_000)
      assert.deepEqual(await store.pushedRequests.read(saved.id), saved)
      assert.equal(await store.pushedRequests.read('another'), null)
    })
    it('is closed for good, and stays for whoever has begun', async test => {
      const { store } = await sceneOf(kind, test)
      const [closed, open] = [pushed, { ...pushed, id: 'open' }]
      await store.pushedRequests.save(closed)
      await store.pushedRequests.save(open)
      await store.pushedRequests.close(closed.id)
      await store.pushedRequests.close(closed.id)
      await store.pushedRequests.close('another')
      assert.deepEqual(await store.pushedRequests.read(closed.id), { ...closed, opensUntilMs: 0 })
      assert.deepEqual(await store.pushedRequests.read('open'), open)
    })
    it('is kept longer on demand and never shorter', async test => {
      const { store } = await sceneOf(kind, test)
      const saved = pushed
      await store.pushedRequests.save(saved)
      await store.pushedRequests.keep(saved.id, startMs + 3_600_000)
      await store.pushedRequests.keep(saved.id, startMs + 1)
      assert.deepEqual(await store.pushedRequests.read(saved.id), { ...saved, expiresAtMs: startMs + 3_600_000 })
    })
    it('leaves by itself once its time is over, and not before', async test => {
      const { store, clock } = await sceneOf(kind, test)
      const [over, kept] = [pushed, { ...pushed, id: 'kept', expiresAtMs: startMs + 3_600_000 }]
      await store.pushedRequests.save(over)
      await store.pushedRequests.save(kept)
      clock.advance(60_001)
      for (let write = 0; write < writesForTidying; write++) await store.pushedRequests.close(kept.id)
      assert.equal(await store.pushedRequests.read(over.id), null)
      assert.equal((await store.pushedRequests.read(kept.id))?.expiresAtMs, kept.expiresAtMs)
    })
    if (!kind.persists) return
    it('is seen by every process', async test => {
      const { store, another } = await sceneOf(kind, test)
      const beside = await another()
      const saved = pushed
      await store.pushedRequests.save(saved)
      assert.deepEqual(await beside.pushedRequests.read(saved.id), saved)
      await beside.pushedRequests.close(saved.id)
      assert.equal((await store.pushedRequests.read(saved.id))?.opensUntilMs, 0)
    })
  })
}

/** Every 256 writes something is tidied; twice that, and it has been. */
const writesForTidying = 512

const pushed: PushedRequest = {
  id: 'pushed',
  clientId,
  request: JSON.stringify({ state: 'x'.repeat(20_000), name: 'Ænne' }),
  opensUntilMs: startMs + 60_000,
  expiresAtMs: startMs + 60_000,
}
