/** Clients, users, sessions and consents, and the cut-offs that go with what happens to them. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ClientId, cutOffOf, type SessionId, type Subject } from '@pawl/family'
import { clientOfKind } from '../../admin/client-input.ts'
import type { Client } from '../../domain/client/client.ts'
import type { Session } from '../../domain/session/session.ts'
import type { User } from '../../domain/user/user.ts'
import {
  clientId,
  eventOf,
  type Kind,
  opened,
  readFamily,
  type Scene,
  sceneOf,
  sessionId,
  startMs,
  subject,
} from './fixture.test.ts'

export function provePeople(kind: Kind): void {
  describe('a client', () => proveClients(kind))
  describe('a user', () => proveUsers(kind))
  describe('a session', () => proveSessions(kind))
  describe('the end of a session', () => proveSessionEnds(kind))
  describe('a consent', () => proveConsents(kind))
}

const client: Client = {
  ...clientOfKind(clientId, { id: clientId, kind: 'web' }, startMs),
  name: 'Web application',
  secretHashes: [{ hash: 'keyed-hash', expiresAtMs: null, sealed: null }],
  redirectUris: ['https://app.example/callback'],
}

const user: User = {
  subject,
  email: 'Ada@Example.com',
  emailVerified: true,
  passwordHash: '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA',
  claims: { name: 'Ada', address: { country: 'GB' } },
  disabled: false,
  createdAtMs: startMs,
}

const session: Session = {
  id: sessionId,
  secretHash: 'keyed-hash-1',
  subject,
  authTimeMs: startMs,
  acr: 'urn:example:silver',
  amr: ['pwd'],
  createdAtMs: startMs,
  expiresAtMs: startMs + 10_000,
  address: '198.51.100.9',
  agent: 'test',
}

function proveClients(kind: Kind): void {
  it('comes back as it was added, once', async test => {
    const { store } = await sceneOf(kind, test)
    assert.equal(await store.clients.read(clientId), null)
    assert.equal(await store.clients.add(client, []), 'done')
    assert.equal(await store.clients.add({ ...client, name: 'Another' }, []), 'moved')
    assert.deepEqual((await store.clients.read(clientId))?.client, client)
    await store.clients.add({ ...client, id: 'a-client' as ClientId }, [])
    assert.deepEqual(
      (await store.clients.list(10)).map(one => one.id),
      ['a-client', 'web-app'],
    )
    assert.deepEqual(
      (await store.clients.list(1)).map(one => one.id),
      ['a-client'],
    )
  })
  it('changes from the version that was read, with its event, and from no other', async test => {
    const { store, entropy } = await sceneOf(kind, test)
    await store.clients.add(client, [])
    const version = (await store.clients.read(clientId))?.version ?? -1
    const changed = { ...client, name: 'Changed' }
    assert.equal(await store.clients.change(changed, version, false, [eventOf('client_changed', entropy)]), 'done')
    assert.equal(await store.clients.change(client, version, false, [eventOf('client_changed', entropy)]), 'moved')
    assert.deepEqual((await store.clients.read(clientId))?.client, changed)
    assert.equal((await store.events.latest(10)).length, 1)
  })
  it('takes everything that was opened for it along where its change says so', async test => {
    const scene = await sceneOf(kind, test)
    const { store } = scene
    await store.clients.add(client, [])
    const family = await opened(scene)
    const version = (await store.clients.read(clientId))?.version ?? -1
    assert.equal(await store.clients.change(client, version, false, []), 'done')
    assert.equal(await store.clients.change({ ...client, disabled: true }, version, true, []), 'moved')
    const standing = await readFamily(store, family)
    assert.equal(cutOffOf(standing.family, standing.cutOffs), null)
    assert.equal(await store.clients.change({ ...client, disabled: true }, version + 1, true, []), 'done')
    const over = await readFamily(store, family)
    assert.equal(cutOffOf(over.family, over.cutOffs), 'cut_off_client')
  })
  it('has the origins of its redirect URIs for as long as it has them and is not disabled', async test => {
    const { store } = await sceneOf(kind, test)
    const has = async () => [
      await store.clients.hasOrigin('https://app.example'),
      await store.clients.hasOrigin('http://127.0.0.1:8080'),
    ]
    const redirectUris = ['https://app.example/a', 'https://app.example/b', 'com.example.app:/cb']
    assert.deepEqual(await has(), [false, false])
    await store.clients.add({ ...client, redirectUris }, [])
    const version = (await store.clients.read(clientId))?.version ?? -1
    assert.deepEqual(await has(), [true, false])
    const moved = { ...client, redirectUris: ['http://127.0.0.1:8080/cb'] }
    assert.equal(await store.clients.change(moved, version, false, []), 'done')
    assert.equal(await store.clients.change(client, version, false, []), 'moved')
    assert.deepEqual(await has(), [false, true])
    await store.clients.change({ ...moved, disabled: true }, version + 1, true, [])
    assert.deepEqual(await has(), [false, false])
    await store.clients.change(moved, version + 2, false, [])
    assert.deepEqual(await has(), [false, true])
    await store.clients.remove(clientId, version + 3, [])
    assert.deepEqual(await has(), [false, false])
  })
  it('is removed with everything that was opened for it', async test => {
    const scene = await sceneOf(kind, test)
    const { store } = scene
    await store.clients.add(client, [])
    const family = await opened(scene)
    const version = (await store.clients.read(clientId))?.version ?? -1
    assert.equal(await store.clients.remove(clientId, version + 1, []), 'moved')
    const standing = await readFamily(store, family)
    assert.equal(cutOffOf(standing.family, standing.cutOffs), null)
    assert.equal(await store.clients.remove(clientId, version, []), 'done')
    assert.equal(await store.clients.read(clientId), null)
    const over = await readFamily(store, family)
    assert.equal(cutOffOf(over.family, over.cutOffs), 'cut_off_client')
  })
  it('that takes a removed id is not changed by a version from before, and inherits no consent', async test => {
    const { store } = await sceneOf(kind, test)
    await store.clients.add(client, [])
    const version = (await store.clients.read(clientId))?.version ?? -1
    await store.consents.save({ subject, clientId, scopes: ['openid'], givenAtMs: await store.now() }, [])
    await store.clients.remove(clientId, version, [])
    await store.clients.add({ ...client, name: 'Stranger' }, [])
    assert.equal(await store.clients.change(client, version, false, []), 'moved')
    assert.equal(await store.consents.read(subject, clientId), null)
  })
}

function proveUsers(kind: Kind): void {
  it('comes back by subject and by the key of the address', async test => {
    const { store } = await sceneOf(kind, test)
    assert.equal(await store.users.add(user, []), 'done')
    assert.deepEqual((await store.users.read(subject))?.user, user)
    assert.deepEqual((await store.users.readByEmailKey('ada@example.com'))?.user, user)
    assert.equal(await store.users.readByEmailKey('Ada@Example.com'), null)
    assert.equal(await store.users.read('nobody' as Subject), null)
    assert.deepEqual(await store.users.list(10), [user])
  })
  it('is not added where the address or the subject is taken', async test => {
    const { store } = await sceneOf(kind, test)
    await store.users.add(user, [])
    assert.equal(
      await store.users.add({ ...user, subject: 'user-2' as Subject, email: 'ADA@example.com' }, []),
      'moved',
    )
    assert.equal(await store.users.add({ ...user, email: 'grace@example.com' }, []), 'moved')
    assert.equal((await store.users.list(10)).length, 1)
    await assert.rejects(store.users.add({ ...user, email: 'no address' }, []), RangeError)
  })
  it('changes from the version that was read, and never to an address that is taken', async test => {
    const { store } = await sceneOf(kind, test)
    await store.users.add(user, [])
    await store.users.add({ ...user, subject: 'user-2' as Subject, email: 'grace@example.com' }, [])
    const version = (await store.users.read(subject))?.version ?? -1
    const changed = { ...user, email: 'lovelace@example.com', emailVerified: false }
    assert.equal(await store.users.change({ ...user, email: 'GRACE@example.com' }, version, 'nothing', []), 'moved')
    assert.equal(await store.users.change(changed, version, 'nothing', []), 'done')
    assert.equal(await store.users.change(user, version, 'nothing', []), 'moved')
    assert.deepEqual((await store.users.readByEmailKey('lovelace@example.com'))?.user, changed)
    assert.equal(await store.users.readByEmailKey('ada@example.com'), null)
  })
  it('is cut off by a change that says so, and by no other', async test => {
    const scene = await sceneOf(kind, test)
    const { store } = scene
    await store.users.add(user, [])
    await store.sessions.save(session, null, [])
    const family = await opened(scene)
    const version = (await store.users.read(subject))?.version ?? -1
    await store.users.change({ ...user, emailVerified: false }, version, 'nothing', [])
    assert.notEqual(await store.sessions.readBySecretHash('keyed-hash-1'), null)
    await store.users.change({ ...user, disabled: true }, version + 1, 'all', [])
    assert.equal(await store.sessions.readBySecretHash('keyed-hash-1'), null)
    const { family: read, cutOffs } = await readFamily(store, family)
    assert.equal(cutOffOf(read, cutOffs), 'cut_off_user')
  })
}

function proveSessions(kind: Kind): void {
  it('comes back by the hash of its cookie and by its id', async test => {
    const { store } = await sceneOf(kind, test)
    await store.sessions.save(session, null, [])
    assert.deepEqual(await store.sessions.readBySecretHash('keyed-hash-1'), session)
    assert.deepEqual(await store.sessions.read(sessionId), session)
    assert.equal(await store.sessions.readBySecretHash('keyed-hash-2'), null)
  })
  it('is there until the millisecond before it runs out', async test => {
    const { store, clock } = await sceneOf(kind, test)
    await store.sessions.save(session, null, [])
    clock.set(session.expiresAtMs - 1)
    assert.notEqual(await store.sessions.readBySecretHash('keyed-hash-1'), null)
    clock.advance(1)
    assert.equal(await store.sessions.readBySecretHash('keyed-hash-1'), null)
    assert.equal(await store.sessions.read(sessionId), null)
  })
  it('takes a new secret, and the old one is worth nothing', async test => {
    const { store } = await sceneOf(kind, test)
    await store.sessions.save(session, null, [])
    const stepped = { ...session, secretHash: 'keyed-hash-2', acr: 'urn:example:gold', address: '::1', agent: 'other' }
    await store.sessions.save(stepped, null, [])
    assert.equal(await store.sessions.readBySecretHash('keyed-hash-1'), null)
    assert.deepEqual(await store.sessions.readBySecretHash('keyed-hash-2'), stepped)
  })
  it('replaces another of the same browser, which ends as by signing out', async test => {
    const scene = await sceneOf(kind, test)
    const { store, entropy } = scene
    await store.sessions.save(session, null, [])
    const family = await opened(scene, {}, { endsWithSession: true })
    const next = { ...session, id: 'session-2' as SessionId, secretHash: 'keyed-hash-2', authTimeMs: startMs + 1 }
    await store.sessions.save(next, session.id, [eventOf('signed_in', entropy)])
    assert.equal(await store.sessions.readBySecretHash('keyed-hash-1'), null)
    assert.deepEqual(await store.sessions.readBySecretHash('keyed-hash-2'), next)
    const reading = await readFamily(store, family)
    assert.equal(cutOffOf(reading.family, reading.cutOffs), 'logged_out')
  })
}

function proveSessionEnds(kind: Kind): void {
  it('by signing out spares what was allowed to outlive it', async test => {
    const scene = await sceneOf(kind, test)
    const { store, entropy } = scene
    await store.sessions.save(session, null, [])
    const [inside, offline] = await twoFamilies(scene)
    await store.sessions.end(sessionId, 'logout', 'signed out', [eventOf('signed_out', entropy)])
    assert.equal(await store.sessions.readBySecretHash('keyed-hash-1'), null)
    assert.equal(await reasonOf(scene, inside), 'logged_out')
    assert.equal(await reasonOf(scene, offline), null)
    assert.equal((await store.events.latest(10)).length, 1)
  })
  it('by cutting it off spares nothing', async test => {
    const scene = await sceneOf(kind, test)
    await scene.store.sessions.save(session, null, [])
    const [inside, offline] = await twoFamilies(scene)
    await scene.store.sessions.end(sessionId, 'session', 'stolen', [])
    assert.equal(await reasonOf(scene, inside), 'cut_off_session')
    assert.equal(await reasonOf(scene, offline), 'cut_off_session')
  })
  it('is finished for a cookie that comes again, which never ends a session that lives', async test => {
    const scene = await sceneOf(kind, test)
    const { store } = scene
    assert.equal(await store.sessions.settleEnd('keyed-hash-1'), null)
    await store.sessions.save(session, null, [])
    assert.deepEqual(await store.sessions.settleEnd('keyed-hash-1'), session)
    assert.deepEqual(await store.sessions.readBySecretHash('keyed-hash-1'), session)
    // As it stands where only the first write of its end was done.
    const target = { kind: 'logout', sessionId } as const
    const cutOff = { target, reason: 'signed out', by: 'rule' }
    await store.cutOffs.set({ ...cutOff, beforeMs: null }, [])
    const late = await opened(scene, {}, { endsWithSession: true })
    assert.equal(await reasonOf(scene, late), null)
    assert.equal(await store.sessions.settleEnd('keyed-hash-1'), null)
    assert.equal(await reasonOf(scene, late), 'logged_out')
    const [{ atMs } = { atMs: 0 }] = await store.cutOffs.list(1)
    assert.equal(await store.sessions.settleEnd('keyed-hash-1'), null)
    assert.equal((await store.cutOffs.list(1))[0]?.atMs, atMs, 'a session that is gone ends once more')
  })
  it('spares who signed in again while it was being written', async test => {
    const { store } = await sceneOf(kind, test)
    await store.sessions.save(session, null, [])
    const ending = store.sessions.end(sessionId, 'logout', 'signed out', [])
    const again = { ...session, secretHash: 'keyed-hash-2', authTimeMs: startMs + 1000 }
    await store.sessions.save(again, null, [])
    await ending
    assert.deepEqual(await store.sessions.readBySecretHash('keyed-hash-2'), again)
  })
  it('cannot be undone by saving the session again as it was', async test => {
    const { store } = await sceneOf(kind, test)
    await store.sessions.save(session, null, [])
    await store.sessions.end(sessionId, 'logout', 'signed out', [])
    await store.sessions.save(session, null, [])
    assert.equal(await store.sessions.readBySecretHash('keyed-hash-1'), null)
    await store.sessions.save({ ...session, authTimeMs: await store.now() }, null, [])
    assert.notEqual(await store.sessions.readBySecretHash('keyed-hash-1'), null)
  })
  for (const target of [{ kind: 'everyone' }, { kind: 'user', subject }] as const) {
    it(`follows a cut-off of ${target.kind}, on T lives and below it does not`, async test => {
      const { store } = await sceneOf(kind, test)
      await store.sessions.save(session, null, [])
      const cutOff = { target, reason: 'test', by: 'operator' }
      await store.cutOffs.set({ ...cutOff, beforeMs: startMs }, [])
      assert.notEqual(await store.sessions.readBySecretHash('keyed-hash-1'), null)
      await store.cutOffs.set({ ...cutOff, beforeMs: null }, [])
      assert.equal(await store.sessions.readBySecretHash('keyed-hash-1'), null)
    })
  }
}

async function twoFamilies(scene: Scene) {
  return [await opened(scene, {}, { endsWithSession: true }), await opened(scene)] as const
}

async function reasonOf({ store }: Scene, family: Parameters<typeof readFamily>[1]) {
  const reading = await readFamily(store, family)
  return cutOffOf(reading.family, reading.cutOffs)
}

function proveConsents(kind: Kind): void {
  it('adds up, whoever gives it at once', async test => {
    const { store } = await sceneOf(kind, test)
    assert.equal(await store.consents.read(subject, clientId), null)
    const consent = { subject, clientId, givenAtMs: startMs }
    await Promise.all([
      store.consents.save({ ...consent, scopes: ['openid', 'email'] }, []),
      store.consents.save({ ...consent, scopes: ['profile', 'openid'], givenAtMs: startMs + 1 }, []),
    ])
    const expected = { subject, clientId, scopes: ['email', 'openid', 'profile'], givenAtMs: startMs + 1 }
    assert.deepEqual(await store.consents.read(subject, clientId), expected)
    assert.equal(await store.consents.read(subject, 'other' as ClientId), null)
  })
  it('to nothing is a consent too', async test => {
    const { store } = await sceneOf(kind, test)
    const consent = { subject, clientId, scopes: [], givenAtMs: startMs }
    await store.consents.save(consent, [])
    assert.deepEqual(await store.consents.read(subject, clientId), consent)
  })
  it('withdrawn is forgotten, and what stands on it is over', async test => {
    const scene = await sceneOf(kind, test)
    const { store, entropy } = scene
    await store.consents.save({ subject, clientId, scopes: ['openid'], givenAtMs: startMs }, [])
    const family = await opened(scene)
    const other = await opened(scene, {}, { clientId: 'other' as ClientId })
    await store.consents.withdraw(subject, clientId, 'user-1', [eventOf('consent_withdrawn', entropy)])
    assert.equal(await store.consents.read(subject, clientId), null)
    assert.equal(await reasonOf(scene, family), 'cut_off_consent')
    assert.equal(await reasonOf(scene, other), null)
  })
}
