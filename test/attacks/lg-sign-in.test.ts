/** Guessing passwords through the real sign-in page. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { disableUser } from '../../packages/server/src/admin/users.ts'
import { type Derive, hashingOn } from '../../packages/server/src/domain/user/password.ts'
import { signInLimits } from '../../packages/server/src/domain/user/sign-in-limits.ts'
import { openAccount, press } from '../stage/account.ts'
import { stagePassword } from '../stage/browser.ts'
import { eventsOf } from '../stage/events.ts'
import { type Attempt, openPasswordPage, type PasswordPage, signsIn } from '../stage/password-page.ts'
import { databaseFor, openScene, type Scene, settle, shop } from '../stage/scene.ts'
import { openStage } from '../stage/stage.ts'
import { countWork, type Toll, tollOf } from '../stage/work.ts'

const failuresAtOnce = signInLimits.accountAndNetwork[0]?.failuresMax ?? 0

interface Besieged extends Scene {
  /** Opened by somebody whose browser never signed in here. */
  readonly page: PasswordPage
}

async function besieged(test: TestContext): Promise<Besieged> {
  const scene = await openScene(test, { client: shop })
  return { ...scene, page: await openPasswordPage(scene, scene.stage.browser()) }
}

function network(index: number): string {
  return `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`
}

/** How many of so many attempts were looked at; the others were told to wait. */
async function tried(page: PasswordPage, count: number, attempt: (index: number) => Attempt): Promise<number> {
  let looked = 0
  for (let index = 0; index < count; index++) {
    const response = await page.attempt(attempt(index))
    assert.ok(response.status === 303 || response.status === 429, String(response.status))
    if (response.status === 303) looked += 1
    else assert.match(response.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
  }
  return looked
}

describe('a thousand passwords for one person', () => {
  it('LG-01 from one address are held back more and more, and the owner signs in from elsewhere', async test => {
    const scene = await besieged(test)
    const { stage } = scene
    const windowSeconds = signInLimits.accountAndNetwork[0]?.windowSeconds ?? 0
    assert.equal(await tried(scene.page, 1000, index => ({ password: `guess ${index}` })), failuresAtOnce)
    assert.equal(await signsIn(scene.page), false, 'the right one is not looked at either')
    const looked: number[] = []
    for (let window = 0; window < 4; window++) {
      stage.clock.advanceSeconds(windowSeconds)
      const page = await openPasswordPage(scene, stage.browser())
      looked.push(await tried(page, 30, index => ({ password: `guess ${window} ${index}` })))
    }
    assert.deepEqual(looked, [10, 10, 0, 0])
    const page = await openPasswordPage(scene, stage.browser())
    assert.equal(await signsIn(page, { address: '198.51.100.7' }), true, 'nobody else is locked out')
  })

  it('LG-01 from a thousand addresses close the account to strangers, and not to a browser it knows', async test => {
    const scene = await besieged(test)
    const { page, stage, app } = scene
    const own = stage.browser('198.51.100.7')
    await app.signIn(own)
    const looked = await tried(page, 1000, index => ({ address: network(index), password: `guess ${index}` }))
    assert.equal(looked, signInLimits.account.failuresMax)
    assert.equal(await signsIn(page, { address: network(5000) }), false, 'a stranger waits')
    stage.clock.advanceSeconds(1)
    const ownPage = await openPasswordPage(scene, own)
    assert.equal(await signsIn(ownPage, { address: '198.51.100.7' }), true)
    assert.equal(await signsIn(ownPage, { address: '192.0.2.66' }), true, 'at the address of the guesser too')
  })
})

describe('an account page that was left open', () => {
  it('LG-01 is no place to guess the password either: the limits are those of the sign-in', async test => {
    const { browser, stage } = await openScene(test, { client: shop })
    const page = await openAccount(browser)
    const change = (current: string) =>
      press(browser, page, 'change_password', { current_password: current, new_password: 'a brand new passphrase' })
    const statuses: number[] = []
    for (let index = 0; index < 20; index++) statuses.push((await change(`guess ${index}`)).status)
    const looked = statuses.filter(status => status === 200).length
    assert.equal(looked, signInLimits.knownDevice[0]?.failuresMax)
    assert.deepEqual(statuses.slice(looked), new Array(20 - looked).fill(429))
    assert.equal((await change(stagePassword)).status, 429, 'the right one is not looked at either')
    assert.deepEqual(await eventsOf(stage, 'password_changed'), [])
  })
})

describe('one password for thousands of people', () => {
  it('LG-02 from one address is held back, and others are not', async test => {
    const { page } = await besieged(test)
    const spray = (index: number): Attempt => ({ username: `person${index}@example.com`, password: 'Winter2027!' })
    assert.equal(await tried(page, 2000, spray), signInLimits.network.failuresMax)
    assert.equal(await signsIn(page, { address: '198.51.100.7' }), true)
  })

  it('LG-02 from everywhere is told to the operator once, and makes every address bear less', async test => {
    const { page, stage } = await besieged(test)
    const everywhere = signInLimits.server.failuresMax
    const spray = (index: number): Attempt => ({ username: `person${index}@example.com`, address: network(index) })
    assert.equal(await tried(page, everywhere, spray), everywhere)
    assert.deepEqual(await eventsOf(stage, 'sign_in_throttled'), [])
    const one = (index: number): Attempt => ({ username: `other${index}@example.com` })
    assert.equal(await tried(page, 50, one), signInLimits.networkUnderSprayFailuresMax)
    const alarms = await eventsOf(stage, 'sign_in_throttled')
    assert.deepEqual(new Set(alarms.map(event => event.detail['limit'])), new Set(['server', 'network']))
    assert.equal(alarms.length, 2)
    assert.equal(await signsIn(page, { address: '198.51.100.7' }), true, 'nobody is locked out by it')
  })
})

describe('a person who exists and one who does not', () => {
  it('LG-03 get the same status, headers and page', async test => {
    const { page, stage, browser, app } = await besieged(test)
    await stage.addUser('bob@example.com')
    const told: string[] = []
    for (const username of ['ada@example.com', 'eve@example.com', 'bob@example.com']) {
      const response = await page.attempt({ username })
      const location = new URL(response.headers.get('location') ?? '')
      const token = location.searchParams.get('state_token') ?? ''
      location.searchParams.set('state_token', String(token.length))
      const names = [...response.headers.keys()].toSorted().join(' ')
      told.push([response.status, names, location.href, (await response.text()).length].join('\n'))
    }
    assert.equal(new Set(told).size, 1, told.join('\n\n'))

    const shown = new Set<string>()
    for (const username of ['ada@example.com', 'eve@example.com']) {
      const first = await browser.open(app.authorizePath({ state: 'same', nonce: 'same' }).path)
      const again = await browser.signIn(first, username, 'wrong password')
      const drawn = /name="state_token" value="[^"]*"|&quot;challenge&quot;:&quot;[\w-]{43}&quot;/g
      shown.add(again.body.replaceAll(username, '').replaceAll(drawn, ''))
    }
    assert.equal(shown.size, 1)
  })
})

describe('the time of a refused sign-in', () => {
  it('LG-03 does not tell whether the person exists: the server does the same work', async test => {
    const scene = await besieged(test)
    const { stage } = scene
    await stage.addUser('bob@example.com')
    const disabled = await stage.addUser('dan@example.com')
    await disableUser(stage.workbench, disabled.email)
    const page = await openPasswordPage(scene, stage.browser())
    const counter = await countWork()
    test.after(counter.stop)
    // An address of its own each, so that none is counted among the failures of another.
    const addresses = Array.from({ length: 20 }, (_, index) => network(index))
    const tollFor = async (username: string): Promise<Toll> => {
      const address = addresses.pop() ?? assert.fail('no address is left')
      const work = await counter.during(async () => {
        const response = await page.attempt({ username, address })
        assert.equal(response.status, 303)
      })
      return tollOf(work)
    }
    await tollFor('ada@example.com')
    const calls: number[] = []
    const dear = new Map<string, string>()
    for (const username of ['ada', 'bob', 'dan', 'eve', 'mallory', 'no address'].map(nameOf)) {
      await settle(stage)
      const { calls: own, ...rest } = await tollFor(username)
      assert.equal(rest.passwordHashes, 1, username)
      calls.push(own)
      dear.set(username, JSON.stringify(rest))
    }
    assert.equal(new Set(dear.values()).size, 1, JSON.stringify([...dear], null, 1))
    assert.ok(Math.max(...calls) - Math.min(...calls) <= callsApartMax, calls.join(' '))
  })

  it('LG-03 hashes for a stranger as dearly as for a person', async test => {
    const wanted: string[] = []
    const derive: Derive = (_password, { memoryKib, passes, lanes, salt, tagBytes }) => {
      wanted.push([memoryKib, passes, lanes, salt.length, tagBytes].join(' '))
      return Promise.resolve(new Uint8Array(tagBytes).fill(1))
    }
    const scene = await openScene(test, { client: shop, hashing: { ...hashingOn(4), derive } })
    await scene.stage.addUser('bob@example.com')
    const page = await openPasswordPage(scene, scene.stage.browser())
    wanted.splice(0)
    for (const username of ['bob@example.com', 'eve@example.com']) await page.attempt({ username })
    assert.equal(wanted.length, 2)
    assert.equal(new Set(wanted).size, 1, wanted.join('\n'))
  })
})

/** Functions of ours, most of them of one line: a hundred are a few microseconds. */
const callsApartMax = 100

function nameOf(person: string): string {
  return person.includes(' ') ? person : `${person}@example.com`
}

describe('an address', () => {
  it('LG-06 that a client makes up counts for nothing', async test => {
    const { page } = await besieged(test)
    const madeUp = (index: number): Attempt => ({
      headers: { 'x-forwarded-for': network(index), forwarded: `for=${network(index)}`, 'x-real-ip': network(index) },
    })
    assert.equal(await tried(page, 30, madeUp), failuresAtOnce)
  })

  it('LG-06 of IPv6 counts with its /64, and of IPv4 by itself however it is written', async test => {
    const { page } = await besieged(test)
    const sixes = (index: number): Attempt => ({ address: `2001:db8:1:2:${index}::${index + 1}` })
    assert.equal(await tried(page, 30, sixes), failuresAtOnce)
    assert.equal(await tried(page, 1, () => ({ address: '2001:db8:1:3::1' })), 1, 'the next customer')
    const mapped = (index: number): Attempt => ({ address: index % 2 === 0 ? '192.0.2.9' : '::ffff:192.0.2.9' })
    assert.equal(await tried(page, 30, mapped), failuresAtOnce)
  })
})

describe('a count of failures', () => {
  it('LG-10 is not reset by another account, another process or a restart', async test => {
    const database = await databaseFor(test)
    const scene = await openScene(test, { client: shop, database })
    const { stage } = scene
    await stage.addUser('bob@example.com')
    const page = await openPasswordPage(scene, stage.browser())
    assert.equal(await tried(page, failuresAtOnce - 2, () => ({})), failuresAtOnce - 2)
    assert.equal(await signsIn(page, { username: 'bob@example.com' }), true)

    const other = await openStage({ database, keys: stage.keys, seed: 'another process' })
    const there = await openPasswordPage({ ...scene, stage: other, app: other.app(scene.registered) }, other.browser())
    assert.equal(await tried(there, 1, () => ({})), 1)
    await other.close()

    const restarted = await openStage({ database, keys: stage.keys, seed: 'after a restart' })
    test.after(() => restarted.close())
    const again = { ...scene, stage: restarted, app: restarted.app(scene.registered) }
    const afterwards = await openPasswordPage(again, restarted.browser())
    assert.equal(await tried(afterwards, 5, () => ({})), 1)
    assert.equal(await signsIn(afterwards), false)
    assert.equal(await signsIn(afterwards, { username: 'bob@example.com' }), true)
  })
})
