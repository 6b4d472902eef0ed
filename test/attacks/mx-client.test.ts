/**
 * Attacks on an application that signs people in with `@pawl/client`, at several servers: answers of the wrong server,
 * flow, person or client end before any request to the token endpoint, and a kept refresh token goes to its issuer alone.
 */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { CustodyFailed } from '../../packages/client/src/holder/custody-failed.ts'
import { RefreshPostponed } from '../../packages/client/src/holder/failures.ts'
import { holdGrants } from '../../packages/client/src/holder/hold-grants.ts'
import { metadataSeconds } from '../../packages/client/src/holder/server.ts'
import { connect } from '../../packages/client/src/sign-in/connections.ts'
import { beginSignIn, finishSignIn } from '../../packages/client/src/sign-in/sign-in.ts'
import { transactionSeconds } from '../../packages/client/src/sign-in/transaction.ts'
import { custodyFor, openSignIn, type SignInGround, tokenRequests, visit, visited } from '../client/sign-in-ground.ts'
import { failure, refusal } from '../client/sign-in-outcomes.ts'
import { familyIdOf, rowOf, shop } from '../stage/scene.ts'

async function refused(ground: SignInGround, transaction: string, back: URL | string): Promise<void> {
  const before = ground.network.requests.length
  await assert.rejects(ground.run(finishSignIn(ground.custody, transaction, back)), failure('not_ours'))
  assert.equal(ground.network.requests.length, before, 'no request was sent')
}

function changed(back: URL, change: (parameters: URLSearchParams) => void): URL {
  const url = new URL(back)
  change(url.searchParams)
  return url
}

function openAt(test: TestContext, issuer: string): Promise<SignInGround> {
  return openSignIn(test, { client: shop, settings: { issuer }, seed: issuer })
}

describe('an answer that is not the one to this sign-in', () => {
  it('MX-03 with the iss of another server, with none, or with two, goes no further', async test => {
    const ground = await openSignIn(test)
    const { transaction, back } = await visited(ground)
    await refused(
      ground,
      transaction,
      changed(back, sent => sent.set('iss', 'https://other.example')),
    )
    await refused(
      ground,
      transaction,
      changed(back, sent => sent.set('iss', `${ground.stage.issuer}/`)),
    )
    await refused(
      ground,
      transaction,
      changed(back, sent => sent.delete('iss')),
    )
    await refused(
      ground,
      transaction,
      changed(back, sent => sent.append('iss', ground.stage.issuer)),
    )
    await ground.run(finishSignIn(ground.custody, transaction, back))
  })

  it('MX-03 with no state, another state, two, or that of a flow beside it, goes no further', async test => {
    const ground = await openSignIn(test)
    const one = await visited(ground)
    const two = await visited(ground)
    await refused(
      ground,
      one.transaction,
      changed(one.back, sent => sent.delete('state')),
    )
    await refused(
      ground,
      one.transaction,
      changed(one.back, sent => sent.set('state', 'made-up')),
    )
    await refused(
      ground,
      one.transaction,
      changed(one.back, sent => sent.append('state', 'made-up')),
    )
    await refused(ground, one.transaction, two.back)
    await refused(ground, two.transaction, one.back)
    await ground.run(finishSignIn(ground.custody, one.transaction, one.back))
    await ground.run(finishSignIn(ground.custody, two.transaction, two.back))
  })

  it('MX-03 is told from an error that somebody made up', async test => {
    const ground = await openSignIn(test)
    const { transaction, back } = await visited(ground)
    const error = changed(back, sent => {
      sent.delete('code')
      sent.set('error', 'access_denied')
    })
    await refused(
      ground,
      transaction,
      changed(error, sent => sent.set('state', 'made-up')),
    )
    await refused(
      ground,
      transaction,
      changed(error, sent => sent.delete('iss')),
    )
    const bare = changed(back, sent => sent.delete('code'))
    await refused(ground, transaction, bare)
    await assert.rejects(
      ground.run(finishSignIn(ground.custody, transaction, error)),
      refusal('authorization', 'access_denied'),
    )
    assert.equal(tokenRequests(ground), 0)
  })

  it('MX-03 of the session of another person, in the browser of this one, finds no transaction of theirs', async test => {
    const ground = await openSignIn(test)
    await ground.stage.addUser('eve@example.com')
    const { url, transaction } = await ground.run(beginSignIn(ground.custody, ground.wishes))
    const eve = ground.stage.browser('192.0.2.66')
    const attack = await ground.run(beginSignIn(ground.custody, ground.wishes))
    const { pathname, search } = new URL(attack.url)
    const page = await eve.signIn(await eve.open(pathname + search), 'eve@example.com')
    const { leftTo } = await eve.decide(page, 'allow')
    assert.ok(leftTo !== null)
    await refused(ground, transaction, leftTo)
    const own = await ground.run(finishSignIn(ground.custody, transaction, await visit(ground.browser, url)))
    const users = await ground.stage.pawl.store.users.list(2)
    assert.equal(own.subject, users.find(({ email }) => email === 'ada@example.com')?.subject)
  })

  it('MX-03 with a code of somebody else put in is refused by the verifier, and nobody loses anything', async test => {
    const ground = await openSignIn(test)
    const victim = await visited(ground)
    const { url, transaction, state } = await ground.run(beginSignIn(ground.custody, ground.wishes))
    assert.ok(url !== '')
    const injected = changed(victim.back, sent => sent.set('state', state))
    await assert.rejects(
      ground.run(finishSignIn(ground.custody, transaction, injected)),
      refusal('redemption', 'invalid_grant'),
    )
    const fresh = await ground.run(finishSignIn(ground.custody, victim.transaction, victim.back))
    const family = await rowOf(ground.stage, familyIdOf(ground.stage, fresh.tokens.refresh_token ?? ''))
    assert.equal(family.end, null)
  })

  it('MX-03 of another server, with its own iss, is none of this one, and its code goes nowhere', async test => {
    const [here, there] = [await openAt(test, 'https://here.example'), await openAt(test, 'https://there.example')]
    const begun = await visited(here)
    const other = await visited(there)
    await refused(here, begun.transaction, other.back)
    await refused(here, other.transaction, other.back)
    await refused(here, other.transaction, begun.back)
    assert.equal(tokenRequests(there), 0)
  })

  it('MX-05 to a transaction of another client, late, twice or changed, is refused', async test => {
    const ground = await openSignIn(test)
    const { transaction, back } = await visited(ground)
    const custody = { ...ground.custody, client: { client_id: 'somebody-else' } }
    await refused({ ...ground, custody }, transaction, back)
    const last = transaction.slice(-2, -1) === 'A' ? 'B' : 'A'
    await refused(ground, transaction.slice(0, -2) + last + transaction.slice(-1), back)
    await refused(ground, '', back)
    const fresh = await ground.run(finishSignIn(ground.custody, transaction, back))
    const again = finishSignIn(ground.custody, transaction, back)
    await assert.rejects(ground.run(again), refusal('redemption', 'invalid_grant'))
    const late = await visited(ground)
    await ground.clock.advance(transactionSeconds * 1000)
    const tooLate = finishSignIn(ground.custody, late.transaction, late.back)
    await assert.rejects(ground.run(tooLate), failure('expired'))
    const family = await rowOf(ground.stage, familyIdOf(ground.stage, fresh.tokens.refresh_token ?? ''))
    assert.equal(family.end, null)
  })
})

describe('a kept refresh token', () => {
  it('MX-04, BF-09 goes to no other server that the configuration names later', async test => {
    const [here, there] = [await openAt(test, 'https://here.example'), await openAt(test, 'https://there.example')]
    const holder = holdGrants(here.custody)
    const { transaction, back } = await visited(here)
    await holder.keep('ada', await here.run(finishSignIn(here.custody, transaction, back)))
    const moved = await custodyFor(there.stage.issuer, there.registered, there)
    const elsewhere = holdGrants({ ...moved, store: here.custody.store, custodyKey: here.custody.custodyKey })
    await assert.rejects(there.run(elsewhere.refresh('ada')), CustodyFailed)
    await assert.rejects(there.run(elsewhere.accessToken('ada')), CustodyFailed)
    await assert.rejects(there.run(elsewhere.end('ada')), CustodyFailed)
    assert.deepEqual(there.network.requests, [])
    assert.equal((await here.run(holder.refresh('ada'))).generation, 2)
  })

  it('MX-04 of another server is not taken into keeping', async test => {
    const [here, there] = [await openAt(test, 'https://here.example'), await openAt(test, 'https://there.example')]
    const { transaction, back } = await visited(there)
    const fresh = await there.run(finishSignIn(there.custody, transaction, back))
    await assert.rejects(holdGrants(here.custody).keep('ada', fresh), TypeError)
    assert.equal(await here.custody.store.load('ada'), null)
    assert.deepEqual(here.network.requests, [])
  })

  it('BF-09 is not sent anywhere by metadata of another issuer, fetched first or fetched anew', async test => {
    const ground = await openSignIn(test)
    const { transaction, back } = await visited(ground)
    const fresh = await ground.run(finishSignIn(ground.custody, transaction, back))
    const holder = holdGrants(ground.custody)
    await holder.keep('ada', fresh)
    const before = tokenRequests(ground)
    ground.network.fault('wrong-issuer', { to: 'metadata', times: 20 })
    await assert.rejects(ground.run(holder.refresh('ada')), RefreshPostponed)
    assert.equal(tokenRequests(ground), before)
    ground.network.heal()
    await ground.clock.advance(60_000)
    assert.equal((await ground.run(holder.refresh('ada'))).generation, 2)
    await ground.clock.advance(metadataSeconds * 1000)
    ground.network.fault('wrong-issuer', { to: 'metadata' })
    assert.equal((await ground.run(holder.refresh('ada'))).generation, 3, 'at the address that was known')
  })

  it('BF-09 follows no redirect to another place', async test => {
    const ground = await openSignIn(test)
    const { transaction, back } = await visited(ground)
    const fresh = await ground.run(finishSignIn(ground.custody, transaction, back))
    const asked: (string | undefined)[] = []
    const fetch: typeof ground.network.fetch = async (url, init) => {
      if (!url.endsWith('/token')) return ground.network.fetch(url, init)
      asked.push(init.redirect)
      return new Response(null, { status: 307, headers: { location: 'https://evil.example/token' } })
    }
    const holder = holdGrants({ ...ground.custody, fetch })
    await holder.keep('ada', fresh)
    await assert.rejects(ground.run(holder.refresh('ada')))
    assert.ok(asked.length > 0)
    assert.ok(asked.every(redirect => redirect === 'manual'))
  })
})

describe('two connections of one application', () => {
  it('MX-06 may not share a redirect URI, whatever differs besides', async test => {
    const { custody } = await openSignIn(test)
    const other = { ...custody, server: 'https://other.example' }
    const at = (redirectUri: string, of = custody) => ({ custody: of, redirectUri })
    const shared: readonly (readonly [string, string])[] = [
      ['https://app.example/cb', 'https://app.example/cb'],
      ['https://app.example/cb', 'https://app.example/cb?tool=2'],
      ['http://127.0.0.1:1/cb', 'http://127.0.0.1:2/cb'],
      ['https://app.example/cb', 'https://APP.example:443/cb'],
    ]
    for (const [left, right] of shared) {
      assert.throws(() => connect({ one: at(left), two: at(right, other) }), RangeError, `${left} ${right}`)
      assert.throws(() => connect({ one: at(left), two: at(right) }), RangeError, `${left} ${right}`)
    }
    connect({ one: at('https://app.example/cb/1'), two: at('https://app.example/cb/2') })
    connect({ one: at('com.example.a:/cb'), two: at('com.example.b:/cb') })
  })

  it('MX-06 take no answer that arrives at the address of the other', async test => {
    const client = { ...shop, redirectUris: ['https://shop.example/mail', 'https://shop.example/files'] }
    const ground = await openSignIn(test, { client })
    const { custody } = ground
    const connections = connect({
      mail: { custody, redirectUri: 'https://shop.example/mail' },
      files: { custody, redirectUri: 'https://shop.example/files' },
    })
    const mail = await ground.run(connections.begin('mail', { scope: 'openid' }))
    const back = await visit(ground.browser, mail.url)
    const astray = new URL(`https://shop.example/files${back.search}`)
    for (const wrong of [astray, new URL(`https://shop.example/other${back.search}`)]) {
      await assert.rejects(ground.run(connections.finish(mail.transaction, wrong)), failure('not_ours'))
    }
    assert.equal(tokenRequests(ground), 0)
    const { name, signedIn } = await ground.run(connections.finish(mail.transaction, back))
    assert.equal(name, 'mail')
    assert.ok(signedIn.subject !== undefined)
    await assert.rejects(connections.begin('nobody', {}), RangeError)
  })
})
