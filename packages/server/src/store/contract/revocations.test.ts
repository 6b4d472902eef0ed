/** What has been revoked: told whatever caused it, in a line that nobody can slip into behind a reader's back. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClientId, Family, SessionId, Subject } from '@pawl/family'
import type { CutOffTarget } from '../../domain/cut-off/cut-off.ts'
import {
  placedAtMs,
  placesPerMs,
  type Revoked,
  revocationSlackSeconds,
} from '../../domain/revocation/revocation-store.ts'
import type { Store } from '../../domain/store.ts'
import {
  clientId,
  ended,
  type Kind,
  opened,
  readFamily,
  rotated,
  type Scene,
  sceneOf,
  startMs,
} from './fixture.test.ts'

const other = {
  clientId: 'other-app' as ClientId,
  subject: 'user-2' as Subject,
  sessionId: 'session-bbbbbbbbbbbbbb' as SessionId,
}

export function proveRevocations(kind: Kind): void {
  describe('the line of revocations', () => {
    proveCauses(kind)
    proveCutOffs(kind)
    proveLine(kind)
    if (kind.persists) proveHandles(kind)
  })
}

function proveCauses(kind: Kind): void {
  it('is empty where nothing was revoked, and a refresh adds nothing', async test => {
    const scene = await sceneOf(kind, test)
    await rotated(scene, await opened(scene))
    const line = await scene.store.revocations.line()
    assert.deepEqual(line, { place: 0, asOfMs: startMs })
    assert.deepEqual(await scene.store.revocations.after(0, 10), { revocations: [], place: 0, isFull: false })
  })
  it('tells of a family that ended, once, however often its end is written', async test => {
    const scene = await sceneOf(kind, test)
    const family = await ended(scene, await opened(scene))
    assert.deepEqual(await toldAfter(scene.store, 0), [familyOf(family)])
    const { place } = await scene.store.revocations.line()
    const reading = await readFamily(scene.store, family)
    await scene.store.families.commit({ readAt: family.stepId, family: reading.family, events: [], cutOffs: [] })
    assert.deepEqual(await toldAfter(scene.store, place), [])
  })
  it('tells of nothing that was not written, because its family had moved', async test => {
    const scene = await sceneOf(kind, test)
    const family = await opened(scene)
    await rotated(scene, family)
    const end = { reason: 'revoked_by_client', atMs: startMs, by: 'web-app' } as const
    const step = { readAt: family.stepId, family: { ...family, end }, events: [], cutOffs: [] }
    assert.equal(await scene.store.families.commit(step), 'moved')
    assert.deepEqual(await toldAfter(scene.store, 0), [])
  })
  it('tells of an access token that was denied alone, for longer than that could have lived', async test => {
    const { store, clock } = await sceneOf(kind, test)
    await store.deniedAccessTokens.deny('jti-1', startMs + 600_000)
    const token = { kind: 'token', tokenId: 'jti-1', expiresAtMs: startMs + 600_000 } as const
    assert.deepEqual(await toldAfter(store, 0), [token])
    clock.advance((600 + revocationSlackSeconds) * 1000)
    await sweptBehind(store)
    assert.deepEqual(await toldAfter(store, 0), [token])
    clock.advance(1)
    await sweptBehind(store)
    assert.deepEqual(await toldAfter(store, 0), [])
  })
}

function proveCutOffs(kind: Kind): void {
  it('tells of a client and of everyone by the moment before which they are over', async test => {
    const scene = await sceneOf(kind, test)
    await opened(scene)
    const clientMs = await cut(scene, { kind: 'client', clientId })
    assert.deepEqual(await toldAfter(scene.store, 0), [{ kind: 'client', clientId, beforeMs: clientMs }])
    const { place } = await scene.store.revocations.line()
    const everyoneMs = await cut(scene, { kind: 'everyone' })
    assert.deepEqual(await toldAfter(scene.store, place), [{ kind: 'everyone', beforeMs: everyoneMs }])
  })
  it('tells of a client again when it is cut off again, and of the first time where that was', async test => {
    const scene = await sceneOf(kind, test)
    const earlierMs = await cut(scene, { kind: 'client', clientId })
    const { place } = await scene.store.revocations.line()
    scene.clock.advance(5000)
    const beforeMs = await cut(scene, { kind: 'client', clientId })
    assert.deepEqual(await toldAfter(scene.store, place), [{ kind: 'client', clientId, beforeMs }])
    assert.deepEqual(await toldAfter(scene.store, 0), [
      { kind: 'client', clientId, beforeMs: earlierMs },
      { kind: 'client', clientId, beforeMs },
    ])
  })
  it('tells of a session, a user and a grant by the families that are over, and of no other', async test => {
    for (const which of ['session', 'user', 'grant'] as const) {
      const scene = await sceneOf(kind, test)
      const family = await opened(scene)
      await opened(scene, {}, other)
      const { id: grantId, sessionId, subject } = family.grant
      const targets: { readonly [kind: string]: CutOffTarget } = {
        session: { kind: 'session', sessionId: sessionId as SessionId },
        user: { kind: 'user', subject: subject as Subject },
        grant: { kind: 'grant', grantId },
      }
      const target = targets[which]
      assert.ok(target)
      await cut(scene, target)
      assert.deepEqual(await toldAfter(scene.store, 0), [familyOf(family)], which)
    }
  })
  it('tells of the branches of a grant with it', async test => {
    const scene = await sceneOf(kind, test)
    const family = await opened(scene)
    const branch = await opened(scene, {}, { id: family.grant.id })
    await cut(scene, { kind: 'grant', grantId: family.grant.id })
    assert.deepEqual(new Set(await toldAfter(scene.store, 0)), new Set([familyOf(family), familyOf(branch)]))
  })
  it('spares what a cut-off spares: offline access of a sign-out, and the session of who asked', async test => {
    const scene = await sceneOf(kind, test)
    const { store, clock } = scene
    const sessionId = 'session-cccccccccccccc' as SessionId
    await opened(scene, {}, { sessionId })
    const bound = await opened(scene, {}, { sessionId, endsWithSession: true })
    await cut(scene, { kind: 'logout', sessionId })
    assert.deepEqual(await toldAfter(store, 0), [familyOf(bound)])
    const { place } = await store.revocations.line()
    clock.advance(1000)
    const spared = await opened(scene, {}, other)
    const lost = await opened(scene, {}, { ...other, sessionId })
    const spares = spared.grant.sessionId as SessionId
    await cut(scene, { kind: 'user', subject: other.subject, spares })
    assert.deepEqual(await toldAfter(store, place), [familyOf(lost)])
  })
  it('tells of a consent by its families, and by what its client exchanged for tokens of the others', async test => {
    const scene = await sceneOf(kind, test)
    const withdrawn = await opened(scene)
    const apart = await opened(scene, {}, { clientId: other.clientId })
    await opened(scene, {}, other)
    const subject = withdrawn.grant.subject as Subject
    const beforeMs = await cut(scene, { kind: 'consent', subject, clientId })
    const exchanged: Revoked = { kind: 'exchanged', familyId: apart.id, clientId, beforeMs }
    assert.deepEqual(new Set(await toldAfter(scene.store, 0)), new Set([familyOf(withdrawn), exchanged]))
  })
  it('says nothing of who merely ran out, because that may be taken back', async test => {
    const scene = await sceneOf(kind, test)
    const family = await opened(scene, { idleSeconds: 60 })
    scene.clock.advance(61_000)
    const subject = family.grant.subject as Subject
    await scene.store.cutOffs.set({ target: { kind: 'user', subject }, reason: '', by: '', beforeMs: startMs }, [])
    assert.deepEqual(await toldAfter(scene.store, 0), [])
  })
}

function proveLine(kind: Kind): void {
  it('gives each its place once, behind all that were given, and pages through them', async test => {
    const scene = await sceneOf(kind, test)
    const { revocations } = scene.store
    const families: Family[] = []
    for (let count = 0; count < 5; count++) families.push(await ended(scene, await opened(scene)))
    const line = await revocations.line()
    const placeOf = (revoked: Revoked | undefined) => JSON.stringify(revoked)
    const first = await revocations.after(0, 3)
    assert.equal(first.isFull, true)
    const second = await revocations.after(first.place, 3)
    assert.deepEqual([second.isFull, second.place], [false, line.place])
    const told = [...first.revocations, ...second.revocations]
    assert.deepEqual(new Set(told.map(({ revoked }) => placeOf(revoked))).size, 5)
    assert.equal(new Set(told.map(({ place }) => place)).size, 5)
    assert.equal((await revocations.line()).place, line.place)
    const late = await ended(scene, await opened(scene))
    const after = await revocations.line()
    assert.ok(placedAtMs(after.place) > placedAtMs(line.place))
    assert.deepEqual((await revocations.after(line.place, 3)).revocations, [
      { place: after.place, revoked: familyOf(late) },
    ])
  })
  it('has room for more at once than one moment has places', async test => {
    const scene = await sceneOf(kind, test)
    const count = 2 * placesPerMs + 5
    const deny = (at: number) => scene.store.deniedAccessTokens.deny(`jti-${at}`, startMs + 600_000)
    await Promise.all(Array.from({ length: count }, (_, at) => deny(at)))
    const line = await scene.store.revocations.line()
    const page = await scene.store.revocations.after(0, count)
    assert.equal(page.place, line.place)
    assert.equal(new Set(page.revocations.map(({ place }) => place)).size, count)
  })
  it('stands behind what was told before the clock went back', async test => {
    const scene = await sceneOf(kind, test)
    await ended(scene, await opened(scene))
    const line = await scene.store.revocations.line()
    scene.clock.advance(-60_000)
    await ended(scene, await opened(scene))
    assert.ok((await scene.store.revocations.line()).place > line.place)
  })
  it('leaves with its time, also where nobody ever read it', async test => {
    const scene = await sceneOf(kind, test)
    await ended(scene, await opened(scene))
    await cut(scene, { kind: 'everyone' })
    scene.clock.advance(7_200_000 + 10)
    await sweptBehind(scene.store)
    assert.deepEqual(await toldAfter(scene.store, 0), [])
  })
}

function proveHandles(kind: Kind): void {
  it('is the same at every handle, and goes on at another one', async test => {
    const scene = await sceneOf(kind, test)
    const second = await scene.another()
    const family = await ended(scene, await opened(scene))
    const line = await second.revocations.line()
    assert.equal((await scene.store.revocations.line()).place, line.place)
    const token = { kind: 'token', tokenId: 'jti-2', expiresAtMs: startMs + 1000 } as const
    await second.deniedAccessTokens.deny(token.tokenId, token.expiresAtMs)
    assert.deepEqual(await toldAfter(scene.store, line.place), [token])
    assert.deepEqual(await toldAfter(second, 0), [familyOf(family), token])
  })
  it('is not slipped into behind a reader, whatever races', async test => {
    const scene = await sceneOf(kind, test)
    const handles = [scene.store, await scene.another(), await scene.another()]
    const writers = 120
    let acknowledged = 0
    const write = async (at: number) => {
      const store = handles[at % handles.length] as Store
      if (at % 3 === 0) await cut({ ...scene, store }, { kind: 'client', clientId: `client-${at}` as ClientId })
      else await store.deniedAccessTokens.deny(`jti-${at}`, startMs + 600_000)
      acknowledged += 1
    }
    const readers = handles.map(store => readAlong(store, () => acknowledged === writers))
    await Promise.all(Array.from({ length: writers }, (_, at) => write(at)))
    for (const told of await Promise.all(readers)) assert.equal(told.size, writers)
  })
}

/** Reads page by page, never back, until a look that began when all was acknowledged is read to its end. */
async function readAlong(store: Store, isDone: () => boolean): Promise<ReadonlySet<string>> {
  const told = new Set<string>()
  for (let place = 0; ; ) {
    const isLast = isDone()
    const line = await store.revocations.line()
    while (place < line.place) {
      const page = await store.revocations.after(place, 7)
      for (const { revoked } of page.revocations) told.add(keyOf(revoked))
      place = page.place
    }
    if (isLast) return told
  }
}

function keyOf(revoked: Revoked): string {
  return revoked.kind === 'token' ? revoked.tokenId : revoked.kind === 'client' ? revoked.clientId : revoked.kind
}

async function toldAfter(store: Store, place: number): Promise<readonly Revoked[]> {
  await store.revocations.line()
  const { revocations } = await store.revocations.after(place, 100)
  return revocations.map(({ revoked }) => revoked)
}

function cut({ store }: Pick<Scene, 'store'>, target: CutOffTarget): Promise<number> {
  return store.cutOffs.set({ target, reason: 'test', by: 'test', beforeMs: null }, [])
}

function familyOf({ id: familyId }: Pick<Family, 'id'>): Revoked {
  return { kind: 'family', familyId }
}

/** Writes until the sweep has come by. */
async function sweptBehind(store: Store): Promise<void> {
  for (let write = 0; write < 512; write++) await store.registrations.removeToken('nobody', [])
}
