/** Clients that came by themselves are let in once for each use of a token, and leave when they hold nothing any more. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClientId } from '@pawl/family'
import { clientOfKind } from '../../admin/client-input.ts'
import type { Client } from '../../domain/client/client.ts'
import {
  idleClientKeptSeconds,
  type InitialAccessToken,
  type RegistrationStore,
} from '../../domain/registration/registration-store.ts'
import { daySeconds, ended, eventOf, type Kind, opened, type Scene, sceneOf, startMs } from './fixture.test.ts'

export function proveRegistrations(kind: Kind): void {
  describe('a token that opens registration', () => proveTokens(kind))
  describe('a client that came by itself', () => proveClients(kind))
}

const token: InitialAccessToken = {
  name: 'acme',
  kinds: ['web', 'native'],
  scopes: ['openid', 'orders:read'],
  partner: 'acme',
  usesLeft: 2,
  expiresAtMs: startMs + daySeconds * 1000,
  createdAtMs: startMs,
}

const terms = { tokenName: null, keptUntilMs: startMs + daySeconds * 1000 }

function clientOf(id: string): Client {
  return clientOfKind(id as ClientId, { id, kind: 'web', redirectUris: [`https://${id}.example/cb`] }, startMs)
}

function proveTokens(kind: Kind): void {
  it('comes back by its hash and by nothing else, and has a name of its own', async test => {
    const { store, entropy } = await sceneOf(kind, test)
    const { registrations, events } = store
    assert.equal(await registrations.addToken(token, 'hash', [eventOf('client_changed', entropy)]), 'done')
    assert.equal(await registrations.addToken(token, 'other', [eventOf('client_changed', entropy)]), 'moved')
    assert.deepEqual(await registrations.findToken('hash'), token)
    assert.equal(await registrations.findToken('other'), null)
    assert.deepEqual(await registrations.listTokens(10), [token])
    assert.deepEqual(await registrations.listTokens(0), [])
    assert.equal((await events.latest(10)).length, 1)
  })

  it('is gone once it is removed, and its clients stay', async test => {
    const { store, entropy } = await sceneOf(kind, test)
    const { registrations, clients } = store
    await registrations.addToken(token, 'hash', [])
    await registrations.addClient(clientOf('dyn-1'), { ...terms, tokenName: 'acme' }, [])
    assert.equal(await registrations.removeToken('acme', [eventOf('client_changed', entropy)]), 'done')
    assert.equal(await registrations.removeToken('acme', [eventOf('client_changed', entropy)]), 'moved')
    assert.equal(await registrations.findToken('hash'), null)
    assert.notEqual(await clients.read('dyn-1' as ClientId), null)
    assert.equal((await store.events.latest(10)).length, 1)
  })

  it('pays for as many clients as it has uses, also when they come at once', async test => {
    const { store } = await sceneOf(kind, test)
    const { registrations, clients } = store
    await registrations.addToken(token, 'hash', [])
    const ids = ['dyn-1', 'dyn-2', 'dyn-3', 'dyn-4', 'dyn-5']
    const outcomes = await Promise.all(
      ids.map(id => registrations.addClient(clientOf(id), { ...terms, tokenName: 'acme' }, [])),
    )
    assert.equal(outcomes.filter(outcome => outcome === 'done').length, 2)
    assert.equal((await clients.list(10)).length, 2)
    assert.equal((await registrations.findToken('hash'))?.usesLeft, 0)
  })

  it('pays for nothing once its time is over, and leaves', async test => {
    const scene = await sceneOf(kind, test)
    const { registrations } = scene.store
    await registrations.addToken(token, 'hash', [])
    scene.clock.set(token.expiresAtMs - 1)
    assert.equal(await registrations.addClient(clientOf('dyn-1'), { ...terms, tokenName: 'acme' }, []), 'done')
    scene.clock.set(token.expiresAtMs)
    assert.equal(await registrations.addClient(clientOf('dyn-2'), { ...terms, tokenName: 'acme' }, []), 'moved')
    scene.clock.set(token.expiresAtMs + 1)
    await tidy(scene)
    assert.equal(await registrations.findToken('hash'), null)
  })
}

function proveClients(kind: Kind): void {
  it('is a client like every other, with its origins, and is counted', async test => {
    const { store, entropy } = await sceneOf(kind, test)
    const { registrations, clients } = store
    const client = clientOf('dyn-1')
    assert.equal(await registrations.addClient(client, terms, [eventOf('client_added', entropy)]), 'done')
    assert.equal(await registrations.addClient(client, terms, [eventOf('client_added', entropy)]), 'moved')
    assert.deepEqual((await clients.read(client.id))?.client, client)
    assert.equal(await clients.hasOrigin('https://dyn-1.example'), true)
    assert.equal((await store.events.latest(10)).length, 1)
    await registrations.addClient(clientOf('dyn-2'), terms, [])
    await clients.add(clientOf('by-hand'), [])
    assert.equal(await registrations.countClients(10), 2)
    assert.equal(await registrations.countClients(1), 1)
  })

  it('is counted no longer once it is removed', async test => {
    const { store } = await sceneOf(kind, test)
    const client = clientOf('dyn-1')
    await store.registrations.addClient(client, terms, [])
    const version = (await store.clients.read(client.id))?.version ?? -1
    assert.equal(await store.clients.remove(client.id, version, []), 'done')
    assert.equal(await store.registrations.countClients(10), 0)
  })

  it('leaves when its time is over and it holds nothing, with its origins, and no other client does', async test => {
    const scene = await sceneOf(kind, test)
    const { registrations, clients } = scene.store
    await registrations.addClient(clientOf('dyn-1'), terms, [])
    await registrations.addClient(clientOf('dyn-2'), { ...terms, keptUntilMs: terms.keptUntilMs + 1 }, [])
    await clients.add(clientOf('by-hand'), [])
    scene.clock.set(terms.keptUntilMs)
    await tidy(scene)
    assert.notEqual(await clients.read('dyn-1' as ClientId), null)
    scene.clock.set(terms.keptUntilMs + 1)
    await tidy(scene)
    assert.equal(await clients.read('dyn-1' as ClientId), null)
    assert.equal(await clients.hasOrigin('https://dyn-1.example'), false)
    assert.notEqual(await clients.read('dyn-2' as ClientId), null)
    assert.equal(await clients.hasOrigin('https://dyn-2.example'), true)
    assert.notEqual(await clients.read('by-hand' as ClientId), null)
    assert.equal(await registrations.countClients(10), 1)
  })

  it('is kept longer once it is used, and never shorter', async test => {
    const scene = await sceneOf(kind, test)
    const { registrations, clients } = scene.store
    const client = clientOf('dyn-1')
    await registrations.addClient(client, terms, [])
    await registrations.keepClient(client.id, terms.keptUntilMs + 3 * daySeconds * 1000)
    await registrations.keepClient(client.id, terms.keptUntilMs)
    await registrations.keepClient('nobody' as ClientId, terms.keptUntilMs)
    scene.clock.set(terms.keptUntilMs + 3 * daySeconds * 1000)
    await tidy(scene)
    assert.notEqual(await clients.read(client.id), null)
    scene.clock.set(terms.keptUntilMs + 3 * daySeconds * 1000 + 1)
    await tidy(scene)
    assert.equal(await clients.read(client.id), null)
  })

  it('stays while there is a family of it, and is looked at again later', async test => {
    const scene = await sceneOf(kind, test)
    const { registrations, clients } = scene.store
    const client = clientOf('dyn-1')
    await registrations.addClient(client, terms, [])
    const family = await opened(scene, {}, { clientId: client.id })
    scene.clock.set(terms.keptUntilMs + 1)
    await tidy(scene)
    assert.notEqual(await clients.read(client.id), null)
    assert.equal(await registrations.countClients(10), 1)

    await ended(scene, family)
    scene.clock.set(terms.keptUntilMs + daySeconds * 1000)
    for (let round = 0; round < 512; round++) await opened(scene)
    assert.equal(await scene.store.families.read(family.id), null)
    assert.notEqual(await clients.read(client.id), null, 'not before its time')

    scene.clock.set(terms.keptUntilMs + idleClientKeptSeconds * 1000 + 2)
    await tidy(scene)
    assert.equal(await clients.read(client.id), null)
    assert.equal(await registrations.countClients(10), 0)
  })
}

/** Every 256 writes something is tidied; twice that, and it has been. */
async function tidy({ store }: Scene): Promise<void> {
  const registrations: RegistrationStore = store.registrations
  for (let write = 0; write < 512; write++) await registrations.removeToken('nobody', [])
}
