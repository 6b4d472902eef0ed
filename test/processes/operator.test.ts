/** An operator's command while two servers are busy: what it acknowledged counts at once, everywhere (I3). */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FamilyId } from '@pawl/family'
import { changeClient, type ClientWithSecret } from '../../packages/server/src/admin/clients.ts'
import { carryOut, planRevocation } from '../../packages/server/src/admin/revoke.ts'
import type { App } from '../stage/app.ts'
import type { Browser } from '../stage/browser.ts'
import { type Holder, present } from './holders.ts'
import { familyIdIn } from './inside-token.ts'
import { appOf, browserOf } from './registered.ts'
import { pawlJson } from './server-process.ts'
import { appAt, type Ended, holdersAt, refreshUntilEnded, type TwoServers, twoServers } from './two-servers.ts'

const perManner = 4
const cutOffs = 40

describe('a client that is taken away under load', () => {
  it('CA-11 is refused from the moment the command says it is disabled, on every process', async test => {
    const scene = await twoServers(test)
    const shop = (await holdersAt(scene, perManner)).filter(holder => holder.manner === 'confidential')
    const command = ['client', 'set', 'shop', '--disable', '--data', scene.data]
    const ended = await refreshUntilEnded(scene, shop, () => pawlJson(command))
    for (const { refusal } of ended) {
      assert.deepEqual([refusal.status, refusal.body['error']], [401, 'invalid_client'])
    }
    await changeClient(scene.office.workbench, 'shop', { disabled: false })
    await deadEverywhere(scene, ended)
  })

  it('CA-11 is refused from the moment the command says it is removed, also where an id is given again', async test => {
    const scene = await twoServers(test)
    const holders = await holdersAt(scene, perManner)
    const phone = holders.filter(holder => holder.manner !== 'confidential')
    const command = ['client', 'remove', 'phone', '--yes', '--data', scene.data]
    const ended = await refreshUntilEnded(scene, phone, () => pawlJson(command))
    for (const { refusal } of ended) {
      assert.ok(['invalid_client', 'invalid_grant'].includes(String(refusal.body['error'])), String(refusal.status))
    }
    await scene.office.addClient({ id: 'phone', kind: 'native' })
    await deadEverywhere(scene, ended)
    await livesEverywhere(
      scene,
      holders.filter(holder => holder.manner === 'confidential'),
    )
  })
})

describe('everything of somebody, ended under load', () => {
  it('RT-38 is over from the moment the command for everyone says so', async test => {
    const scene = await twoServers(test)
    const holders = await holdersAt(scene, perManner)
    const ended = await refreshUntilEnded(scene, holders, () => revoke(scene, '--all'))
    refusedAsGrants(ended)
    await deadEverywhere(scene, ended)
  })

  it('RT-38 is over for the user alone from the moment the command for that user says so', async test => {
    const scene = await twoServers(test)
    const holders = await holdersAt(scene, perManner)
    const phone = holders.find(holder => holder.manner === 'bare')!.registered
    const eve = await signedInAsEve(scene, phone)
    const ended = await refreshUntilEnded(scene, holders, () => revoke(scene, '--user', 'ada@example.com'))
    refusedAsGrants(ended)
    await deadEverywhere(scene, ended)
    await livesEverywhere(scene, [eve])
  })

  it('RT-38 is over for the client alone from the moment the command for that client says so', async test => {
    const scene = await twoServers(test)
    const holders = await holdersAt(scene, perManner)
    const phone = holders.filter(holder => holder.manner !== 'confidential')
    const ended = await refreshUntilEnded(scene, phone, () => revoke(scene, '--client', 'phone'))
    refusedAsGrants(ended)
    await deadEverywhere(scene, ended)
    await livesEverywhere(
      scene,
      holders.filter(holder => holder.manner === 'confidential'),
    )
  })

  it('RV-17 leaves a family alone that is opened after the command, at the other process too', async test => {
    const scene = await twoServers(test)
    const [holder] = await holdersAt(scene, 1)
    await revoke(scene, '--user', 'ada@example.com')
    assert.equal((await present(holder!, appAt(scene, holder!, 0))).status, 400)
    for (const turn of [0, 1]) {
      const app = appAt(scene, holder!, turn)
      const { refreshToken } = await app.signIn(browserOf(scene.servers[turn]!))
      assert.equal((await app.refresh(refreshToken)).status, 200, 'a new sign-in is caught by the old cut-off')
    }
  })

  it('RV-17 ends exactly the families opened before its instant, while both processes open more', async test => {
    const scene = await twoServers(test)
    await scene.office.addUser()
    const registered = await scene.office.addClient({ id: 'shop', kind: 'web', firstParty: true })
    const browser = browserOf(scene.servers[0])
    let before = 0
    for (let round = 0; round < cutOffs; round++) {
      const open = (at: number): Promise<Opened> => openFamily(appOf(scene.servers[at % 2]!, registered), browser)
      const earlier = await open(round)
      const meanwhile = Promise.all([open(0), open(1), open(0), open(1)])
      const cutOffAtMs = await cutOffClient(scene, 'shop')
      const opened = [earlier, ...(await meanwhile), await open(round + 1)]
      for (const { familyId, refreshToken } of opened) {
        const family = (await scene.office.workbench.store.families.read(familyId))?.family
        const isAfter = family!.createdAtMs >= cutOffAtMs
        if (!isAfter) before += 1
        assert.equal(
          await isGood(scene, registered, refreshToken),
          isAfter,
          `opened at ${family!.createdAtMs - cutOffAtMs}`,
        )
      }
    }
    test.diagnostic(`${before} of ${cutOffs * 6} families were opened before their cut-off`)
  })
})

describe('a client secret that is replaced', () => {
  it('CA-10 is good beside the new one for the overlap, and at once no more without, on every process', async test => {
    const scene = await twoServers(test)
    const old = await scene.office.addClient({ id: 'shop', kind: 'service', redirectUris: [], scopes: ['read'] })
    const rotate = async (overlap: string): Promise<ClientWithSecret> => {
      const command = ['client', 'rotate-secret', 'shop', '--overlap-seconds', overlap, '--data', scene.data]
      const { client_secret } = (await pawlJson(command)) as { client_secret: string }
      return { client: old.client, secret: client_secret }
    }
    assert.deepEqual(await statuses(scene, old), [200, 200])
    const second = await rotate('3600')
    assert.deepEqual(await statuses(scene, old), [200, 200])
    assert.deepEqual(await statuses(scene, second), [200, 200])
    const third = await rotate('0')
    assert.deepEqual(await statuses(scene, old), [401, 401])
    assert.deepEqual(await statuses(scene, second), [401, 401])
    assert.deepEqual(await statuses(scene, third), [200, 200])
  })
})

async function statuses(scene: TwoServers, registered: ClientWithSecret): Promise<number[]> {
  const asked = scene.servers.map(server =>
    appOf(server, registered).post('/token', { grant_type: 'client_credentials' }),
  )
  return (await Promise.all(asked)).map(response => response.status)
}

function revoke(scene: TwoServers, ...target: readonly string[]): Promise<unknown> {
  return pawlJson(['revoke', ...target, '--yes', '--data', scene.data])
}

/** What `pawl revoke --client` does, without the time a process takes to start. */
async function cutOffClient(scene: TwoServers, client: string): Promise<number> {
  const { workbench } = scene.office
  const { cutoff } = await carryOut(workbench, await planRevocation(workbench, { client }))
  return Date.parse(cutoff ?? '')
}

function refusedAsGrants(ended: readonly Ended[]): void {
  for (const { refusal } of ended) {
    assert.deepEqual([refusal.status, refusal.body['error']], [400, 'invalid_grant'])
  }
}

/** Neither process knows the holder's tokens any more, the access token of the last answer included. */
async function deadEverywhere(scene: TwoServers, ended: readonly Ended[]): Promise<void> {
  for (const { holder, last } of ended) {
    assert.ok(last !== null, `${holder.name} was never answered`)
    for (const turn of [0, 1]) {
      const app = appAt(scene, holder, turn)
      assert.equal((await present(holder, app)).status, 400)
      assert.equal((await app.userinfo(last.accessToken)).status, 401)
      if (holder.manner === 'confidential') {
        assert.deepEqual(await app.introspect(last.accessToken), { active: false })
        assert.deepEqual(await app.introspect(last.refreshToken), { active: false })
      }
    }
  }
}

async function livesEverywhere(scene: TwoServers, holders: readonly Holder[]): Promise<void> {
  for (const holder of holders) {
    for (const turn of [0, 1]) {
      const answer = await present(holder, appAt(scene, holder, turn))
      assert.equal(answer.status, 200, `${holder.name} ended with somebody else`)
      holder.token = answer.refreshToken
    }
  }
}

async function signedInAsEve(scene: TwoServers, registered: ClientWithSecret): Promise<Holder> {
  await scene.office.addUser('eve@example.com')
  const browser = browserOf(scene.servers[0])
  const eves: Browser = { ...browser, signIn: page => browser.signIn(page, 'eve@example.com') }
  const { refreshToken } = await appOf(scene.servers[0], registered).signIn(eves)
  return { name: 'eve', manner: 'bare', registered, token: refreshToken }
}

interface Opened {
  readonly familyId: FamilyId
  /** Empty where the code was refused already. */
  readonly refreshToken: string
}

async function openFamily(app: App, browser: Browser): Promise<Opened> {
  const authorization = await app.authorize(browser)
  const { refreshToken } = await app.redeem(authorization)
  return { familyId: familyIdIn(authorization.code), refreshToken }
}

async function isGood(scene: TwoServers, registered: ClientWithSecret, refreshToken: string): Promise<boolean> {
  if (refreshToken === '') return false
  return (await appOf(scene.servers[1], registered).refresh(refreshToken)).status === 200
}
