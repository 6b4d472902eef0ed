/** What people show besides a password: spent once, bounded, and ending what it must in one transaction. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cutOffOf, type SessionId, type Subject } from '@pawl/family'
import type { Session } from '../../domain/session/session.ts'
import { type Passkey, passkeysPerUserMax, type Totp } from '../../domain/user/credentials.ts'
import { linksPerUserMax, type Upstream, type UpstreamLink } from '../../domain/upstream/upstream.ts'
import { eventOf, type Kind, opened, readFamily, sceneOf, sessionId, startMs, subject } from './fixture.test.ts'

export function proveCredentials(kind: Kind): void {
  describe('a key for one-time codes', () => proveTotps(kind))
  describe('a passkey', () => provePasskeys(kind))
  describe('a change of credentials', () => proveEnds(kind))
  describe('an upstream provider', () => proveUpstreams(kind))
}

const somebodyElse = 'user-2' as Subject
const totp: Totp = { subject, sealedKey: Uint8Array.of(1, 2, 3), lastStep: 10, createdAtMs: startMs }
const passkey: Passkey = {
  id: 'passkey-1',
  subject,
  name: 'Ænne’s laptop',
  publicKey: Uint8Array.of(4, 5, 6),
  counter: 0,
  transports: ['internal', 'hybrid'],
  createdAtMs: startMs,
  usedAtMs: null,
}

function proveTotps(kind: Kind): void {
  it('comes back with the count of its recovery codes, and takes the place of an earlier one', async test => {
    const { store } = await sceneOf(kind, test)
    assert.deepEqual(await store.credentials.ofUser(subject), { totp: null, recoveryCodesLeft: 0, passkeys: [] })
    await store.credentials.setTotp(totp, ['a', 'b', 'c'], 'nothing', [])
    assert.deepEqual(await store.credentials.ofUser(subject), { totp, recoveryCodesLeft: 3, passkeys: [] })
    const other = { ...totp, sealedKey: Uint8Array.of(9), lastStep: -1 }
    await store.credentials.setTotp(other, ['d'], 'nothing', [])
    assert.deepEqual(await store.credentials.ofUser(subject), { totp: other, recoveryCodesLeft: 1, passkeys: [] })
    assert.equal((await store.credentials.ofUser(somebodyElse)).totp, null)
  })
  it('spends each step once, in order, whoever comes at the same time', async test => {
    const { store } = await sceneOf(kind, test)
    await store.credentials.setTotp(totp, [], 'nothing', [])
    assert.equal(await store.credentials.spendTotp(subject, 10), 'moved')
    const both = await Promise.all([store.credentials.spendTotp(subject, 11), store.credentials.spendTotp(subject, 11)])
    assert.deepEqual(both.toSorted(), ['done', 'moved'])
    assert.equal(await store.credentials.spendTotp(subject, 9), 'moved')
    assert.equal(await store.credentials.spendTotp(subject, 13), 'done')
    assert.equal(await store.credentials.spendTotp(somebodyElse, 99), 'moved')
  })
  it('is put under another seal unless another key was set meanwhile', async test => {
    const { store } = await sceneOf(kind, test)
    await store.credentials.setTotp(totp, [], 'nothing', [])
    await store.credentials.resealTotp({ ...totp, sealedKey: Uint8Array.of(7) }, Uint8Array.of(8))
    assert.deepEqual((await store.credentials.ofUser(subject)).totp?.sealedKey, totp.sealedKey)
    await store.credentials.resealTotp(totp, Uint8Array.of(8))
    assert.deepEqual((await store.credentials.ofUser(subject)).totp?.sealedKey, Uint8Array.of(8))
  })
  it('has recovery codes that are spent once, by their owner, with an event', async test => {
    const { store, entropy } = await sceneOf(kind, test)
    await store.credentials.setTotp(totp, ['a', 'b'], 'nothing', [])
    const event = eventOf('recovery_code_used', entropy)
    assert.equal(await store.credentials.spendRecoveryCode(somebodyElse, ['a'], []), 'moved')
    assert.equal(await store.credentials.spendRecoveryCode(subject, ['x', 'y'], [event]), 'moved')
    assert.equal(await store.credentials.spendRecoveryCode(subject, ['x', 'a'], [event]), 'done')
    assert.equal(await store.credentials.spendRecoveryCode(subject, ['a'], []), 'moved')
    assert.equal((await store.events.latest(10)).length, 1)
    await store.credentials.setRecoveryCodes(subject, ['c', 'd', 'e'], [])
    assert.equal((await store.credentials.ofUser(subject)).recoveryCodesLeft, 3)
    assert.equal(await store.credentials.spendRecoveryCode(subject, ['b'], []), 'moved')
    const both = [1, 2].map(nth => store.credentials.setRecoveryCodes(subject, [`${nth}-a`, `${nth}-b`], []))
    assert.deepEqual(await Promise.all(both), ['done', 'done'])
    assert.equal((await store.credentials.ofUser(subject)).recoveryCodesLeft, 2, 'those of one, whoever came first')
    assert.equal(await store.credentials.setRecoveryCodes(somebodyElse, ['a'], [event]), 'moved', 'there is no key')
    await store.credentials.removeTotp(subject, 'nothing', [])
    assert.deepEqual(await store.credentials.ofUser(subject), { totp: null, recoveryCodesLeft: 0, passkeys: [] })
  })
}

function provePasskeys(kind: Kind): void {
  it('comes back as it was added, once, and is counted up from what was read', async test => {
    const { store } = await sceneOf(kind, test)
    assert.equal(await store.credentials.readPasskey(passkey.id), null)
    assert.equal(await store.credentials.addPasskey(passkey, 'nothing', []), 'done')
    assert.equal(await store.credentials.addPasskey({ ...passkey, subject: somebodyElse }, 'nothing', []), 'moved')
    assert.deepEqual(await store.credentials.readPasskey(passkey.id), passkey)
    assert.deepEqual((await store.credentials.ofUser(subject)).passkeys, [passkey])
    const uses = [
      store.credentials.usePasskey(passkey, 5, startMs + 1),
      store.credentials.usePasskey(passkey, 5, startMs + 2),
    ]
    assert.deepEqual((await Promise.all(uses)).toSorted(), ['done', 'moved'])
    assert.equal((await store.credentials.readPasskey(passkey.id))?.counter, 5)
  })
  it('is one of so many of its user, and goes by its owner alone', async test => {
    const { store } = await sceneOf(kind, test)
    const add = (index: number) => store.credentials.addPasskey({ ...passkey, id: `passkey-${index}` }, 'nothing', [])
    for (let index = 0; index < passkeysPerUserMax; index++) assert.equal(await add(index), 'done')
    assert.equal(await add(passkeysPerUserMax), 'moved')
    const { passkeys } = await store.credentials.ofUser(subject)
    assert.equal(passkeys.length, passkeysPerUserMax)
    const [first] = passkeys
    assert.ok(first !== undefined)
    assert.equal(await store.credentials.removePasskey({ ...first, subject: somebodyElse }, 'nothing', []), 'moved')
    assert.equal(await store.credentials.removePasskey(first, 'nothing', []), 'done')
    assert.equal(await store.credentials.removePasskey(first, 'nothing', []), 'moved')
    assert.equal(await store.credentials.addPasskey({ ...passkey, id: 'late' }, 'nothing', []), 'done')
  })
}

function sessionAt(id: SessionId, authTimeMs: number): Session {
  return {
    id,
    secretHash: `hash of ${id}`,
    subject,
    authTimeMs,
    acr: 'urn:example:silver',
    amr: ['pwd'],
    createdAtMs: startMs,
    expiresAtMs: startMs + 1_000_000,
    address: '198.51.100.9',
    agent: 'test',
  }
}

function proveEnds(kind: Kind): void {
  const another = 'session-bbbbbbbbbbbbbb' as SessionId

  it('ends what is not of the session it spares, and a later word takes the sparing back', async test => {
    const scene = await sceneOf(kind, test)
    const { store, clock } = scene
    const own = await opened(scene)
    const other = await opened(scene, {}, { sessionId: another })
    const alone = await opened(scene, {}, { sessionId: null })
    const isCutOff = async (family: typeof own): Promise<boolean> => {
      const reading = await readFamily(store, family)
      return cutOffOf(reading.family, reading.cutOffs) !== null
    }
    clock.advance(10)
    await store.credentials.setTotp(totp, [], { allBut: sessionId }, [])
    assert.deepEqual(await Promise.all([own, other, alone].map(isCutOff)), [false, true, true])
    const early = { target: { kind: 'user', subject }, reason: 'theft', by: 'operator', beforeMs: startMs + 1 } as const
    await store.cutOffs.set(early, [])
    assert.deepEqual(await Promise.all([own, other, alone].map(isCutOff)), [true, true, true])
  })
  it('spares the session itself, and ends the others of its user and nobody elses', async test => {
    const { store, clock } = await sceneOf(kind, test)
    await store.sessions.save(sessionAt(sessionId, startMs), null, [])
    await store.sessions.save(sessionAt(another, startMs + 1), null, [])
    await store.sessions.save({ ...sessionAt('session-c' as SessionId, startMs), subject: somebodyElse }, null, [])
    const ids = async (of: Subject) => (await store.sessions.ofUser(of, 10)).map(({ id }) => id)
    assert.deepEqual(await ids(subject), [another, sessionId])
    clock.advance(10)
    await store.credentials.removeTotp(subject, { allBut: sessionId }, [])
    assert.deepEqual(await ids(subject), [sessionId])
    assert.equal(await store.sessions.readBySecretHash(`hash of ${another}`), null)
    assert.notEqual(await store.sessions.readBySecretHash(`hash of ${sessionId}`), null)
    assert.deepEqual(await ids(somebodyElse), ['session-c'])
    await store.credentials.removeTotp(subject, 'all', [])
    assert.deepEqual(await ids(subject), [])
  })
  it('brings back no session that was ended while the change was under way', async test => {
    const scene = await sceneOf(kind, test)
    const { store, clock } = scene
    await store.sessions.save(sessionAt(sessionId, startMs), null, [])
    const family = await opened(scene)
    clock.advance(10)
    const everything = { target: { kind: 'user', subject }, reason: 'theft', by: 'operator', beforeMs: null } as const
    await store.cutOffs.set(everything, [])
    await store.credentials.removeTotp(subject, { allBut: sessionId }, [])
    assert.equal(await store.sessions.read(sessionId), null)
    const reading = await readFamily(store, family)
    assert.equal(cutOffOf(reading.family, reading.cutOffs), 'cut_off_user')
    const later = sessionAt(another, await store.now())
    await store.sessions.save(later, null, [])
    await store.credentials.removeTotp(subject, { allBut: another }, [])
    assert.deepEqual(await store.sessions.ofUser(subject, 10), [later])
  })
  it('spares the session that asks again, and of two that ask at once at most one', async test => {
    const { store, clock } = await sceneOf(kind, test)
    await store.sessions.save(sessionAt(sessionId, startMs), null, [])
    await store.sessions.save(sessionAt(another, startMs), null, [])
    clock.advance(10)
    await Promise.all([
      store.credentials.removeTotp(subject, { allBut: sessionId }, []),
      store.credentials.removeTotp(subject, { allBut: another }, []),
    ])
    assert.ok((await store.sessions.ofUser(subject, 10)).length < 2)
    const later = sessionAt('session-later' as SessionId, await store.now())
    await store.sessions.save(later, null, [])
    for (let change = 0; change < 2; change++) await store.credentials.removeTotp(subject, { allBut: later.id }, [])
    assert.deepEqual(await store.sessions.ofUser(subject, 10), [later])
  })
  it('ends nothing where its guard changed nothing', async test => {
    const scene = await sceneOf(kind, test)
    const family = await opened(scene)
    assert.equal(await scene.store.credentials.removePasskey(passkey, 'all', []), 'moved')
    const { cutOffs } = await readFamily(scene.store, family)
    assert.equal(cutOffs.userMs, 0)
  })
}

const upstream: Upstream = {
  id: 'acme',
  name: 'Acme',
  issuer: 'https://acme.example',
  clientId: 'pawl',
  sealedSecret: 'sealed',
  scopes: ['openid'],
  createsUsers: false,
  createdAtMs: startMs,
}
const link: UpstreamLink = { upstreamId: 'acme', upstreamSubject: 'ada', subject, createdAtMs: startMs }

function proveUpstreams(kind: Kind): void {
  it('comes back as it was added, and its links count no more when it is gone', async test => {
    const { store } = await sceneOf(kind, test)
    assert.equal(await store.upstreams.link(link, []), 'moved', 'there is no such provider')
    assert.equal(await store.upstreams.add(upstream, []), 'done')
    assert.equal(await store.upstreams.add({ ...upstream, name: 'Other' }, []), 'moved')
    assert.deepEqual(await store.upstreams.read('acme'), upstream)
    assert.deepEqual(await store.upstreams.list(10), [upstream])
    assert.equal(await store.upstreams.link(link, []), 'done')
    assert.equal(await store.upstreams.link({ ...link, subject: somebodyElse }, []), 'moved')
    assert.deepEqual(await store.upstreams.readLink('acme', 'ada'), link)
    assert.deepEqual(await store.upstreams.linksOf(subject), [link])
    assert.equal(await store.upstreams.unlink({ ...link, subject: somebodyElse }, 'nothing', []), 'moved')
    assert.equal(await store.upstreams.remove('acme', []), 'done')
    assert.equal(await store.upstreams.remove('acme', []), 'moved')
    assert.equal(await store.upstreams.readLink('acme', 'ada'), null)
    assert.deepEqual(await store.upstreams.linksOf(subject), [])
  })
  it('takes no link over from one that had its id, not even one that was late', async test => {
    const { store } = await sceneOf(kind, test)
    const another = { ...upstream, issuer: 'https://other.example', createdAtMs: startMs + 10 }
    await store.upstreams.add(another, [])
    assert.equal(await store.upstreams.link(link, []), 'moved', 'that was for the one before')
    const later = { ...link, createdAtMs: startMs + 10 }
    assert.equal(await store.upstreams.link(later, []), 'done')
    assert.deepEqual(await store.upstreams.readLink('acme', 'ada'), later)
  })
  it('has so many links to one person, and lets go of all of them', async test => {
    const { store, clock } = await sceneOf(kind, test)
    await store.upstreams.add(upstream, [])
    const add = (index: number) => store.upstreams.link({ ...link, upstreamSubject: `ada-${index}` }, [])
    for (let index = 0; index < linksPerUserMax; index++) assert.equal(await add(index), 'done')
    assert.equal(await add(linksPerUserMax), 'moved')
    assert.equal((await store.upstreams.linksOf(subject)).length, linksPerUserMax)
    clock.advance(10)
    assert.equal(await store.upstreams.unlink(link, 'all', []), 'done')
    assert.deepEqual(await store.upstreams.linksOf(subject), [])
    const cutOff = await store.cutOffs.latest({ kind: 'user', subject })
    clock.advance(10)
    assert.equal(await store.upstreams.unlink(link, 'all', []), 'moved')
    assert.equal(await store.cutOffs.latest({ kind: 'user', subject }), cutOff, 'nothing was ended for nothing')
  })
  it('brings somebody new with their link, or neither where the address is taken', async test => {
    const { store, entropy } = await sceneOf(kind, test)
    await store.upstreams.add(upstream, [])
    const email = 'ada@example.com'
    const user = { subject, email, emailVerified: true, passwordHash: 'none', claims: {}, disabled: false }
    const outcomes = await Promise.all([
      store.upstreams.addUser({ ...user, createdAtMs: startMs }, link, [eventOf('user_added', entropy)]),
      store.upstreams.addUser(
        { ...user, subject: somebodyElse, createdAtMs: startMs },
        { ...link, subject: somebodyElse },
        [],
      ),
    ])
    assert.deepEqual(outcomes.toSorted(), ['done', 'moved'])
    const kept = outcomes[0] === 'done' ? subject : somebodyElse
    assert.deepEqual(await store.upstreams.readLink('acme', 'ada'), { ...link, subject: kept })
    assert.equal(await store.users.read(kept === subject ? somebodyElse : subject), null)
    assert.equal((await store.events.latest(10)).length, 1)
  })
  it('has people on the way, each of whom comes back once', async test => {
    const { store } = await sceneOf(kind, test)
    const attempt = { id: 'attempt', sealed: 'sealed', expiresAtMs: startMs + 1000 }
    await store.upstreams.keepAttempt(attempt)
    const taken = await Promise.all([store.upstreams.takeAttempt('attempt'), store.upstreams.takeAttempt('attempt')])
    assert.deepEqual(
      taken.filter(one => one !== null),
      [attempt],
    )
    assert.equal(await store.upstreams.takeAttempt('attempt'), null)
  })
}
