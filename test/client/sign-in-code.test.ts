/** Signing in with an authorization code through the helpers of `@pawl/client`, against a whole server. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { custodyKeyFrom } from '../../packages/client/src/custody/custody-key.ts'
import { beginSignIn, finishSignIn } from '../../packages/client/src/sign-in/sign-in.ts'
import { httpDate } from '../../packages/client/src/testing/http-date.ts'
import type { Custody, Fetch } from '../../packages/client/src/holder/holder.ts'
import { transactionSeconds } from '../../packages/client/src/sign-in/transaction.ts'
import { familyIdOf, phone, rowOf, shop } from '../stage/scene.ts'
import { openSignIn, type SignInGround, signInWith, tokenRequests, visit, visited } from './sign-in-ground.ts'
import { failure, refusal } from './sign-in-outcomes.ts'

describe('a sign-in with a code', () => {
  it('brings tokens, who it was, and a family that is keyed from its first token on', async test => {
    const ground = await openSignIn(test)
    const fresh = await signInWith(ground, { carried: '/orders' })
    const [user] = await ground.stage.pawl.store.users.list(1)
    assert.equal(fresh.subject, user?.subject)
    assert.equal(fresh.claims?.sub, user?.subject)
    assert.equal(fresh.carried, '/orders')
    assert.match(fresh.sessionId ?? '', /^[\w-]{22}$/)
    assert.equal(fresh.tokens.scope, 'openid email offline_access')
    const family = await rowOf(ground.stage, familyIdOf(ground.stage, fresh.tokens.refresh_token ?? ''))
    assert.deepEqual([family.generation, family.keyed, family.binding], [1, true, null])
    assert.equal(tokenRequests(ground), 1)
  })

  it('asks for what is wanted, with S256, state and nonce, and pushes it where the server takes that', async test => {
    const ground = await openSignIn(test)
    const wishes = {
      ...ground.wishes,
      prompt: 'login',
      loginHint: 'ada@example.com',
      acrValues: 'phr',
      maxAgeSeconds: 60,
      resource: ['https://a.example/', 'https://b.example/'],
      additional: { ui: 'dark', state: 'theirs' },
    }
    const { url, state } = await ground.run(beginSignIn(ground.custody, { ...wishes, isPushed: false }))
    const sent = new URL(url).searchParams
    assert.deepEqual(
      ['response_type', 'code_challenge_method', 'prompt', 'login_hint', 'acr_values', 'max_age', 'ui'].map(name =>
        sent.get(name),
      ),
      ['code', 'S256', 'login', 'ada@example.com', 'phr', '60', 'dark'],
    )
    assert.deepEqual(sent.getAll('resource'), wishes.resource)
    assert.deepEqual(sent.getAll('state'), [state])
    for (const name of ['state', 'nonce', 'code_challenge']) assert.match(sent.get(name) ?? '', /^[\w-]{43}$/)
    const pushed = await ground.run(beginSignIn(ground.custody, wishes))
    assert.deepEqual([...new URL(pushed.url).searchParams.keys()], ['client_id', 'request_uri'])
  })

  it('goes on in the address where pushing fails and need not be, and not where it must be', async test => {
    const ground = await openSignIn(test)
    ground.network.fault('lose-request', { to: 'par' })
    const { url } = await ground.run(beginSignIn(ground.custody, ground.wishes))
    assert.ok(new URL(url).searchParams.has('code_challenge'))
    ground.network.fault('lose-request', { to: 'par' })
    const must = beginSignIn(ground.custody, { ...ground.wishes, isPushed: true })
    await assert.rejects(ground.run(must), failure('unanswered'))
  })

  it('tells at once what is wrong with a pushed request', async test => {
    const ground = await openSignIn(test)
    const wrong = beginSignIn(ground.custody, { ...ground.wishes, scope: 'openid admin' })
    await assert.rejects(ground.run(wrong), refusal('request', 'invalid_scope'))
  })

  it('of a confidential client proves who it is, when it pushes and when it redeems', async test => {
    const ground = await openSignIn(test, { client: shop })
    const fresh = await signInWith(ground)
    const family = await rowOf(ground.stage, familyIdOf(ground.stage, fresh.tokens.refresh_token ?? ''))
    assert.equal(family.grant.clientId, 'shop')
  })

  it('binds the tokens to a key that travels in the transaction, or waits in a store that keeps keys', async test => {
    for (const keepsKeys of [false, true]) {
      const ground = await openSignIn(test)
      const custody = { ...ground.custody, store: { ...ground.custody.store, keepsKeys } }
      const fresh = await signInWith({ ...ground, custody }, { useDpop: true })
      assert.equal(fresh.tokens.token_type, 'dpop')
      assert.equal(fresh.dpopKey?.privateKey.extractable, !keepsKeys)
      const family = await rowOf(ground.stage, familyIdOf(ground.stage, fresh.tokens.refresh_token ?? ''))
      assert.equal(family.binding?.kind, 'dpop')
    }
  })

  it('uses a nonce for its proof where the server asks for one', async test => {
    const ground = await openSignIn(test, { settings: { dpopNonces: true } })
    const fresh = await signInWith(ground, { useDpop: true })
    assert.equal(fresh.tokens.token_type, 'dpop')
    assert.equal(tokenRequests(ground), 2)
  })

  it('goes by the clock of the server where its own is off by hours', async test => {
    const ground = await openSignIn(test)
    const clock = { ...ground.clock, nowMs: () => ground.clock.nowMs() + 7_200_000 }
    const custody = { ...ground.custody, clock, fetch: dated(ground) }
    const fresh = await signInWith({ ...ground, custody }, { useDpop: true })
    assert.equal(fresh.tokens.token_type, 'dpop')
    const statuses = ground.network.requests.filter(({ to }) => to === 'token').map(({ status }) => status)
    assert.deepEqual(statuses, [400, 200])
  })

  it('leaves a key in the store that keeps keys only while it is under way, and is finished once', async test => {
    const ground = await openSignIn(test)
    const names: string[] = []
    const { store } = ground.custody
    const save: typeof store.save = (name, record, ifVersion) => {
      names.push(name)
      assert.equal(record.expiresAtMs, ground.clock.nowMs() + transactionSeconds * 1000)
      return store.save(name, record, ifVersion)
    }
    const custody = { ...ground.custody, store: { ...store, save } }
    const [one, two] = [await begunWithKey(custody), await begunWithKey(custody)]
    assert.equal(new Set(names).size, 2)
    const fresh = await ground.run(finishSignIn(custody, one.transaction, await visit(ground.browser, one.url)))
    assert.equal(fresh.tokens.token_type, 'dpop')
    assert.equal(await store.load(names[0] ?? ''), null)
    assert.notEqual(await store.load(names[1] ?? ''), null)
    const again = finishSignIn(custody, one.transaction, `${ground.wishes.redirectUri}?code=x`)
    await assert.rejects(ground.run(again), failure('not_ours'))
    await ground.run(finishSignIn(custody, two.transaction, await visit(ground.browser, two.url)))

    function begunWithKey(of: Custody) {
      return ground.run(beginSignIn(of, { ...ground.wishes, useDpop: true }))
    }
  })

  it('is for the first resource, and takes a signed answer where it asked for one', async test => {
    const ground = await openSignIn(test, { client: { ...shop, responseAlgorithm: 'ES256' } })
    const client = { ...ground.custody.client, authorization_signed_response_alg: 'ES256' }
    const custody = { ...ground.custody, client }
    const signed = await visited({ ...ground, custody }, { isAnswerSigned: true, resource: 'https://api.example/' })
    assert.deepEqual([...signed.back.searchParams.keys()], ['response'])
    const fresh = await ground.run(finishSignIn(custody, signed.transaction, signed.back))
    assert.equal(fresh.resource, 'https://api.example/')
    const { transaction } = await ground.run(beginSignIn(custody, { ...ground.wishes, isAnswerSigned: true }))
    const plain = await visited(ground)
    await assert.rejects(ground.run(finishSignIn(custody, transaction, plain.back)), failure('not_ours'))
  })
})

describe('a sign-in whose answer is lost', () => {
  for (const fault of ['lose-request', '503', '429', 'hang', 'html-instead-of-json'] as const) {
    it(`asks again with the same retry key, and is signed in: ${fault}`, async test => {
      const ground = await openSignIn(test)
      ground.network.fault(fault)
      const fresh = await signInWith(ground)
      assert.equal(tokenRequests(ground), 2)
      const family = await rowOf(ground.stage, familyIdOf(ground.stage, fresh.tokens.refresh_token ?? ''))
      assert.deepEqual([family.generation, family.keyed, family.end], [1, true, null])
    })
  }

  it('after the code was spent is told to sign in again, ends nothing, and the next sign-in works', async test => {
    const ground = await openSignIn(test)
    const before = await signInWith(ground)
    ground.network.fault('lose-response')
    await assert.rejects(signInWith(ground), failure('unanswered'))
    await signInWith(ground)
    const family = await rowOf(ground.stage, familyIdOf(ground.stage, before.tokens.refresh_token ?? ''))
    assert.equal(family.end, null)
  })

  it('gives up after a known number of times', async test => {
    const ground = await openSignIn(test)
    ground.network.fault('503', { times: 10 })
    await assert.rejects(signInWith(ground), failure('unanswered'))
    assert.equal(tokenRequests(ground), 4)
  })

  it('is told so where the server was never reached at all', async test => {
    const ground = await openSignIn(test)
    ground.network.fault('lose-request', { to: 'metadata', times: 2 })
    await assert.rejects(ground.run(beginSignIn(ground.custody, ground.wishes)), failure('unanswered'))
  })
})

describe('a sign-in that the server or the person refuses', () => {
  it('says what the person said', async test => {
    const ground = await openSignIn(test)
    const { url, transaction } = await ground.run(beginSignIn(ground.custody, ground.wishes))
    const { pathname, search } = new URL(url)
    const page = await ground.browser.signIn(await ground.browser.open(pathname + search))
    const { leftTo } = await ground.browser.decide(page, 'deny')
    assert.ok(leftTo !== null)
    const finished = finishSignIn(ground.custody, transaction, leftTo)
    await assert.rejects(ground.run(finished), refusal('authorization', 'access_denied'))
    assert.equal(tokenRequests(ground), 0)
  })

  it('says that nobody is signed in where no page may be shown', async test => {
    const ground = await openSignIn(test)
    const { transaction, back } = await visited(ground, { prompt: 'none' })
    const finished = finishSignIn(ground.custody, transaction, back)
    await assert.rejects(ground.run(finished), refusal('authorization', 'login_required'))
  })

  it('tells a client whose secret is wrong so, and asks once', async test => {
    const ground = await openSignIn(test, { client: shop })
    const { transaction, back } = await visited(ground)
    const { authentication: _, ...nobody } = ground.custody
    await assert.rejects(ground.run(finishSignIn(nobody, transaction, back)), refusal('redemption', 'invalid_client'))
    assert.equal(tokenRequests(ground), 1)
  })

  it('is refused before it begins where the server takes no S256 or no proofs', async test => {
    const ground = await openSignIn(test)
    const server = { issuer: ground.stage.issuer, authorization_endpoint: `${ground.stage.issuer}/authorize` }
    const plain = { ...ground.custody, server: { ...server, code_challenge_methods_supported: ['plain'] } }
    await assert.rejects(ground.run(beginSignIn(plain, ground.wishes)), failure('unsupported'))
    const bare = { ...ground.custody, server }
    await assert.rejects(ground.run(beginSignIn(bare, { ...ground.wishes, useDpop: true })), failure('unsupported'))
  })
})

describe('an answer that is not as was asked', () => {
  it('is refused and given back where somebody else signed in', async test => {
    const ground = await openSignIn(test)
    const mine = await signInWith(ground)
    assert.ok(mine.subject !== undefined)
    await signInWith(ground, { expectedSubject: mine.subject })
    await assert.rejects(signInWith(ground, { expectedSubject: 'somebody-else' }), failure('not_ours'))
    assert.equal(ground.network.requests.at(-1)?.to, 'revoke')
    const families = await ground.stage.pawl.store.families.list({}, 10)
    assert.equal(families.filter(({ family }) => family.end !== null).length, 1)
  })

  it('is refused where the person did not sign in as surely as they must', async test => {
    const ground = await openSignIn(test)
    await signInWith(ground, { essentialAcr: ['urn:pawl:acr:pwd'] })
    await assert.rejects(
      signInWith(ground, { essentialAcr: ['phr'] }),
      refusal('authorization', 'unmet_authentication_requirements'),
    )
  })

  it('is told of in errors that may be logged: no code, no token and no verifier is in them', async test => {
    const ground = await openSignIn(test)
    const { transaction, back } = await visited(ground)
    const secrets: string[] = [back.searchParams.get('code') ?? '', transaction]
    const fetch: Fetch = async (url, init) => {
      const answer = await ground.network.fetch(url, init)
      if (!url.endsWith('/token')) return answer
      if (init.body instanceof URLSearchParams) secrets.push(init.body.get('code_verifier') ?? '')
      const { id_token: _, ...told } = (await answer.json()) as { readonly [name: string]: string }
      secrets.push(told['access_token'] ?? '', told['refresh_token'] ?? '')
      return Response.json(told)
    }
    const astray = new URL(back)
    astray.searchParams.set('state', 'made-up')
    const errors: unknown[] = []
    for (const at of [astray, back]) {
      await ground
        .run(finishSignIn({ ...ground.custody, fetch }, transaction, at))
        .catch((error: unknown) => errors.push(error))
    }
    const told = inspect(errors, { depth: 20, showHidden: true })
    assert.equal(errors.length, 2)
    assert.equal(secrets.length, 5)
    for (const secret of secrets) assert.ok(secret.length > 20 && !told.includes(secret), told)
    assert.match(told, /"id_token"/)
  })

  it('is refused where the tokens are not bound as they were to be', async test => {
    const ground = await openSignIn(test)
    const { transaction, back } = await visited(ground, { useDpop: true })
    const fetch: typeof ground.network.fetch = async (url, init) => {
      const answer = await ground.network.fetch(url, init)
      if (!url.endsWith('/token')) return answer
      return Response.json({ ...((await answer.json()) as object), token_type: 'Bearer' })
    }
    const finished = finishSignIn({ ...ground.custody, fetch }, transaction, back)
    await assert.rejects(ground.run(finished), failure('invalid_answer'))
  })
})

describe('a transaction', () => {
  it('is good to its last millisecond, and not after it', async test => {
    const ground = await openSignIn(test)
    const { transaction } = await ground.run(beginSignIn(ground.custody, ground.wishes))
    const answer = `${phone.redirectUris[0]}?state=x`
    await ground.clock.advance(transactionSeconds * 1000 - 1)
    await assert.rejects(ground.run(finishSignIn(ground.custody, transaction, answer)), failure('not_ours'))
    await ground.clock.advance(1)
    await assert.rejects(ground.run(finishSignIn(ground.custody, transaction, answer)), failure('expired'))
  })

  it('tells nobody what is in it', async test => {
    const ground = await openSignIn(test)
    const { url, transaction, state } = await ground.run(
      beginSignIn(ground.custody, { ...ground.wishes, isPushed: false }),
    )
    const nonce = new URL(url).searchParams.get('nonce') ?? ''
    const parts = transaction.split('.').map(part => Buffer.from(part, 'base64url').toString('latin1'))
    for (const secret of [state, nonce]) assert.ok(!parts.some(part => part.includes(secret)))
    assert.match(transaction, /^[\w.-]+$/)
    assert.ok(transaction.length < 2048, String(transaction.length))
  })

  it('lets a code that was redeemed be refused again without ending anything', async test => {
    const ground = await openSignIn(test)
    const { transaction, back } = await visited(ground)
    const fresh = await ground.run(finishSignIn(ground.custody, transaction, back))
    const again = finishSignIn(ground.custody, transaction, back)
    await assert.rejects(ground.run(again), refusal('redemption', 'invalid_grant'))
    const family = await rowOf(ground.stage, familyIdOf(ground.stage, fresh.tokens.refresh_token ?? ''))
    assert.equal(family.end, null)
  })

  it('of another custody key does not open', async test => {
    const ground = await openSignIn(test)
    const { transaction, back } = await visited(ground)
    const custody = { ...ground.custody, custodyKey: await custodyKeyFrom(new Uint8Array(32).fill(8)) }
    await assert.rejects(ground.run(finishSignIn(custody, transaction, back)), failure('not_ours'))
    assert.equal(tokenRequests(ground), 0)
  })
})

/** The network with the header that a server on a socket adds to every answer. */
function dated({ network, stage }: SignInGround): Fetch {
  return async (url, init) => {
    const answer = await network.fetch(url, init)
    const headers = new Headers(answer.headers)
    headers.set('date', httpDate(stage.clock.nowMs()))
    return new Response(answer.body, { status: answer.status, headers })
  }
}
