/** What a restart, another clock, another master key or another process must not change. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemEntropy } from '../../packages/server/src/domain/entropy.ts'
import { formatMasterKeys, masterKeys, newMasterKey } from '../../packages/server/src/domain/keys/master-keys.ts'
import type { App, Tokens } from '../stage/app.ts'
import type { Browser, Ground } from '../stage/browser.ts'
import { databaseFor } from '../stage/scene.ts'
import { openStage, type Stage, stageStartsAtMs } from '../stage/stage.ts'
import { present, signedInHolders } from './holders.ts'
import { appOf, browserOf, openOffice } from './registered.ts'
import { revokedScene } from './revoked.ts'
import { dataDirectory, startServer } from './server-process.ts'
import { startShared } from './two-servers.ts'

describe('what was revoked', () => {
  it('RT-31 stays so after a restart and a crash', async test => {
    const { data, before, first, statuses } = await revokedScene(test)
    await first.stop()
    const second = await startServer(test, { data })
    assert.deepEqual(await statuses(second), before)
    await second.kill()
    assert.deepEqual(await statuses(await startServer(test, { data })), before)
  })
})

describe('a clock that goes wrong between two starts', () => {
  const hour = 3_600_000
  const day = 24 * hour

  it('RT-32 brings back nothing that was spent, revoked or found to be over', async test => {
    const database = await databaseFor(test)
    const keys = masterKeys([newMasterKey(systemEntropy(), 1)])
    const at = (offsetMs: number): Promise<Stage> =>
      openStage({ database, keys, startsAtMs: stageStartsAtMs + offsetMs, seed: `clock at ${offsetMs}` })
    const opening = await at(0)
    await opening.addUser()
    const registered = await opening.addClient({ id: 'phone', kind: 'native', redirectUris: ['http://127.0.0.1/cb'] })
    const app = opening.app(registered)
    const browser = opening.browser()
    const spent = await spentFamily(app, browser)
    const revoked = await app.signIn(browser)
    await app.revoke(revoked.refreshToken)
    const idle = await app.signIn(browser)
    const living = await app.signIn(browser)
    await opening.close()
    let { refreshToken } = living
    for (const offsetMs of [hour, -hour, 20 * day, 0, 30 * day + hour, -day, 40 * day, 0]) {
      const stage = await at(offsetMs)
      const later = stage.app(registered)
      assert.equal((await later.refresh(spent)).status, 400, `spent, at ${offsetMs}`)
      assert.equal((await later.refresh(revoked.refreshToken)).status, 400, `revoked, at ${offsetMs}`)
      if (offsetMs >= 30 * day)
        assert.equal((await later.refresh(idle.refreshToken)).status, 400, `idle at ${offsetMs}`)
      const answer = await later.refresh(refreshToken)
      assert.equal(answer.status, 200, `living, at ${offsetMs}`)
      refreshToken = answer.refreshToken
      await stage.close()
    }
    const last = await at(0)
    assert.equal((await last.app(registered).refresh(idle.refreshToken)).status, 400, 'the idle family is back')
    await last.close()
  })

  it('RT-32 measures expiry by the highest time seen, so that a clock set back lengthens no life', async test => {
    const database = await databaseFor(test)
    const keys = masterKeys([newMasterKey(systemEntropy(), 1)])
    const at = (offsetMs: number): Promise<Stage> =>
      openStage({ database, keys, startsAtMs: stageStartsAtMs + offsetMs, seed: `clock at ${offsetMs}` })
    const opening = await at(0)
    await opening.addUser()
    const client = { id: 'phone', kind: 'native', redirectUris: ['http://127.0.0.1/cb'], idleSeconds: 3600 }
    const registered = await opening.addClient(client)
    const { refreshToken } = await opening.app(registered).signIn(opening.browser())
    await opening.close()
    // Another family's sign-in is enough for the store to have seen the time; this one's token was never asked for then.
    const ahead = await at(2 * hour)
    await ahead.app(registered).signIn(ahead.browser())
    await ahead.close()
    const back = await at(0)
    assert.equal((await back.app(registered).refresh(refreshToken)).status, 400)
    await back.close()
  })
})

describe('a master key that is replaced', () => {
  it('RT-48 keeps every token and secret while the old one is listed, and then costs its holders a sign-in', async test => {
    const data = await dataDirectory(test)
    const [old, fresh] = [newMasterKey(systemEntropy(), 1), newMasterKey(systemEntropy(), 2)]
    const under = (...keys: readonly (typeof old)[]) => ({ PAWL_MASTER_KEY: formatMasterKeys(masterKeys(keys)) })
    const office = await openOffice(test, data, under(old))
    const first = await startServer(test, { data, environment: under(old) })
    const holders = await signedInHolders(office, first, 2)
    const moved = holders.filter((_, index) => index % 2 === 0)
    const asleep = holders.filter((_, index) => index % 2 === 1)
    const oldest = new Map(holders.map(holder => [holder, holder.token]))
    await first.stop()

    const both = await startServer(test, { data, environment: under(fresh, old) })
    for (const holder of moved) {
      const app = appOf(both, holder.registered)
      const answer = await present(holder, app)
      assert.equal(answer.status, 200)
      assert.equal((await present(holder, app)).refreshToken, answer.refreshToken, 'a repeat under two keys differs')
      holder.token = answer.refreshToken
      assert.equal((await app.userinfo(answer.accessToken)).status, 200)
    }
    await both.stop()

    const retired = await startServer(test, { data, environment: under(fresh) })
    for (const holder of moved) {
      const answer = await present(holder, appOf(retired, holder.registered))
      assert.equal(answer.status, 200, `${holder.name} had a token of the new key`)
      holder.token = answer.refreshToken
    }
    for (const holder of asleep) {
      const app = appOf(retired, holder.registered)
      const answer = await present(holder, app)
      assert.deepEqual([answer.status, answer.body['error']], [400, 'invalid_grant'], holder.name)
      assert.equal((await app.signIn(browserOf(retired))).status, 200)
    }
    for (const [holder, token] of oldest) {
      assert.equal((await appOf(retired, holder.registered).refresh(token)).status, 400)
    }
    for (const holder of moved) {
      assert.equal(
        (await present(holder, appOf(retired, holder.registered))).status,
        200,
        'an old token ended a family',
      )
    }
  })

  it('RT-48 is refused in a sentence where the old one is taken away without having been listed', async test => {
    const data = await dataDirectory(test)
    const [old, fresh] = [newMasterKey(systemEntropy(), 1), newMasterKey(systemEntropy(), 2)]
    const environment = { PAWL_MASTER_KEY: formatMasterKeys(masterKeys([old])) }
    await (await startServer(test, { data, environment })).stop()
    const hasty = { PAWL_MASTER_KEY: formatMasterKeys(masterKeys([fresh])) }
    await assert.rejects(startServer(test, { data, environment: hasty }), /list the old one after the new one/)
    await startServer(test, { data, environment })
  })
})

describe('the counters of failed sign-ins', () => {
  /** What one network may get wrong about one account in a quarter of an hour. */
  const failuresMax = 10

  it('LG-10 are shared by processes and survive a restart and the success of somebody else', async test => {
    const data = await dataDirectory(test)
    const office = await openOffice(test, data)
    await office.addUser()
    await office.addUser('eve@example.com')
    const registered = await office.addClient({ id: 'shop', kind: 'web', firstParty: true })
    const [one, other] = [await startShared(test, data), await startShared(test, data)]
    for (let failure = 0; failure < failuresMax; failure++) {
      const ground = failure % 2 === 0 ? one : other
      assert.notEqual((await failedSignIn(ground, appOf(ground, registered))).status, 429)
    }
    assert.equal((await failedSignIn(one, appOf(one, registered))).status, 429)
    assert.equal((await failedSignIn(other, appOf(other, registered))).status, 429)
    await signInAs(other, appOf(other, registered), 'eve@example.com')
    assert.equal((await failedSignIn(one, appOf(one, registered))).status, 429)
    await Promise.all([one.kill(), other.stop()])
    const restarted = await startShared(test, data)
    const refused = await failedSignIn(restarted, appOf(restarted, registered))
    assert.equal(refused.status, 429)
    assert.ok(Number(refused.headers.get('retry-after')) > 0)
  })
})

/** A family whose first token was used twice over: reuse, so it has ended. */
async function spentFamily(app: App, browser: Browser): Promise<string> {
  const first = await app.signIn(browser)
  const second = await app.refresh(first.refreshToken)
  const third: Tokens = await app.refresh(second.refreshToken)
  assert.equal((await app.refresh(first.refreshToken)).status, 400)
  return third.refreshToken
}

async function failedSignIn(ground: Ground, app: App): Promise<{ readonly status: number; readonly headers: Headers }> {
  const browser = browserOf(ground)
  return browser.signIn(await browser.open(app.authorizePath().path), 'ada@example.com', 'a wrong password')
}

async function signInAs(ground: Ground, app: App, email: string): Promise<void> {
  const browser = browserOf(ground)
  const page = await browser.signIn(await browser.open(app.authorizePath().path), email)
  assert.ok(page.leftTo?.searchParams.has('code'))
}
