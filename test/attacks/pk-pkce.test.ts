/** Attacks on PKCE (RFC 7636, RFC 9700 §2.1.1). */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { sameChallengePerHourMax } from '../../packages/server/src/oauth/authorize/watch-challenge.ts'
import type { App, Authorization, Tokens } from '../stage/app.ts'
import { eventsOf } from '../stage/events.ts'
import { openStage, type Stage } from '../stage/stage.ts'

const redirectUri = 'https://a.example/cb'
const kinds = ['web', 'native'] as const
const noChallenge = { code_challenge: undefined, code_challenge_method: undefined }

describe('attacks on PKCE', () => {
  it('PK-01 sends no code without a challenge, to public and confidential clients alike', async () => {
    for (const kind of kinds) {
      const { stage, app } = await opened(kind)
      const plain = { code_challenge: 'c'.repeat(43), code_challenge_method: 'plain' }
      const digest = s256('v'.repeat(43))
      const wrong = [
        noChallenge,
        { code_challenge: '', code_challenge_method: 'S256' },
        { code_challenge: undefined },
        plain,
        { ...plain, code_challenge_method: undefined },
        { code_challenge: digest, code_challenge_method: 's256' },
        { code_challenge: digest.slice(1), code_challenge_method: 'S256' },
        { code_challenge: `${digest}=`, code_challenge_method: 'S256' },
        { code_challenge: `${digest}A`, code_challenge_method: 'S256' },
        { code_challenge: `+${digest.slice(1)}`, code_challenge_method: 'S256' },
      ]
      for (const fields of wrong) {
        const { leftTo } = await stage.browser().open(app.authorizePath(fields).path)
        assert.equal(leftTo?.searchParams.get('error'), 'invalid_request', JSON.stringify(fields))
        assert.equal(leftTo.searchParams.has('code'), false)
        assert.equal(leftTo.searchParams.get('iss'), stage.issuer)
      }
      await stage.close()
    }
  })

  it('PK-01 lets a confidential OpenID client send a nonce instead where it is registered to', async () => {
    const { stage, app } = await opened('web', { pkce: 'or_nonce' })
    const browser = stage.browser()
    const authorization = await app.authorize(browser, noChallenge)
    assert.equal((await app.redeem(authorization, { code_verifier: undefined })).status, 200)
    for (const fields of [{ nonce: undefined }, { scope: 'email' }]) {
      const { leftTo } = await browser.open(app.authorizePath({ ...noChallenge, ...fields }).path)
      assert.equal(leftTo?.searchParams.get('error'), 'invalid_request')
    }
    await stage.close()
  })

  it('PK-01 registers no public client for a nonce instead', async () => {
    const stage = await openStage()
    const registration = { id: 'phone', kind: 'native', redirectUris: [redirectUri], pkce: 'or_nonce' }
    await assert.rejects(stage.addClient(registration), /confidential/)
    await stage.close()
  })

  it('PK-02 refuses a code whose challenge is answered by no verifier', async () => {
    for (const kind of kinds) {
      const { stage, app } = await opened(kind)
      const authorization = await app.authorize(stage.browser())
      refused(await app.redeem(authorization, { code_verifier: undefined }))
      await isUnused(app, authorization)
      await stage.close()
    }
  })

  it('PK-03 refuses a verifier where no challenge was sent', async () => {
    const { stage, app } = await opened('web', { pkce: 'or_nonce' })
    const authorization = await app.authorize(stage.browser(), noChallenge)
    for (const verifier of [authorization.verifier, 'v'.repeat(43), 'short', '']) {
      refused(await app.redeem(authorization, { code_verifier: verifier }))
    }
    assert.equal((await app.redeem(authorization, { code_verifier: undefined })).status, 200)
    await stage.close()
  })

  it('PK-03 keeps a challenge that was sent, though a nonce would have done', async () => {
    const { stage, app } = await opened('web', { pkce: 'or_nonce' })
    const authorization = await app.authorize(stage.browser())
    refused(await app.redeem(authorization, { code_verifier: undefined }))
    await isUnused(app, authorization)
    await stage.close()
  })

  it('PK-04 refuses every wrong verifier, and neither uses the code up nor ends anything', async () => {
    for (const kind of kinds) {
      const { stage, app } = await opened(kind)
      const browser = stage.browser()
      const earlier = await app.signIn(browser)
      const authorization = await app.authorize(browser)
      const { verifier } = authorization
      const wrong = [
        'w'.repeat(43),
        verifier.slice(0, 42),
        `${verifier}a`,
        verifier.toUpperCase(),
        `${verifier} `,
        `${verifier}=`,
        `${verifier}\n`,
        s256(verifier),
        'é'.repeat(43),
        'v'.repeat(129),
        '',
      ]
      for (const code_verifier of wrong) refused(await app.redeem(authorization, { code_verifier }))
      const tokens = await app.redeem(authorization)
      assert.equal(tokens.status, 200)
      for (const code_verifier of wrong) refused(await app.redeem(authorization, { code_verifier }))
      assert.deepEqual(await eventsOf(stage, 'token_reused'), [])
      assert.equal((await app.refresh(tokens.refreshToken)).status, 200, 'unchanged')
      assert.equal((await app.refresh(earlier.refreshToken)).status, 200, 'unchanged')
      await stage.close()
    }
  })

  it('PK-04 takes a verifier of 43 and of 128 characters, and refuses 42 and 129 though their digests fit', async () => {
    const { stage, app } = await opened('web')
    const browser = stage.browser()
    for (const [characters, status] of [
      [42, 400],
      [43, 200],
      [128, 200],
      [129, 400],
    ] as const) {
      const verifier = '~'.repeat(characters)
      const authorization = await app.authorize(browser, { code_challenge: s256(verifier) })
      assert.equal((await app.redeem({ ...authorization, verifier })).status, status, `${characters} characters`)
    }
    await stage.close()
  })

  it('PK-07 takes a challenge again and again, and tells the operator once', async () => {
    const { stage, app } = await opened('web')
    const browser = stage.browser()
    const verifier = 'r'.repeat(43)
    for (let times = 1; times <= sameChallengePerHourMax + 2; times++) {
      const authorization = await app.authorize(browser, { code_challenge: s256(verifier) })
      assert.equal((await app.redeem({ ...authorization, verifier })).status, 200)
      const flagged = await eventsOf(stage, 'suspicious_pkce')
      assert.equal(flagged.length, times > sameChallengePerHourMax ? 1 : 0, `after ${times} times`)
    }
    const [event] = await eventsOf(stage, 'suspicious_pkce')
    assert.equal(event?.clientId, 'shop')
    assert.equal(JSON.stringify(event).includes(s256(verifier)), false, 'the event holds no challenge')
    await stage.close()
  })

  it('PK-08 refuses a verifier that the front channel showed, with one warning', async () => {
    const shown = 's'.repeat(43)
    const id = 'client-whose-id-is-as-long-as-a-verifier-is'
    const ways = [{ state: shown }, { nonce: shown }, { login_hint: shown }, { verifier: id }]
    for (const { verifier = shown, ...fields } of ways as readonly { readonly [name: string]: string }[]) {
      const stage = await openStage()
      await stage.addUser()
      const app = stage.app(await stage.addClient({ id, kind: 'native', redirectUris: [redirectUri] }))
      const found = await app.authorize(stage.browser(), { ...fields, code_challenge: s256(verifier) })
      for (let times = 1; times <= 2; times++) {
        refused(await app.redeem({ ...found, verifier }))
        const warnings = await eventsOf(stage, 'suspicious_pkce')
        assert.deepEqual(
          warnings.map(({ count, clientId }) => ({ count, clientId })),
          [{ count: times, clientId: id }],
        )
        assert.equal(JSON.stringify(warnings).includes(shown), false)
      }
      await stage.close()
    }
  })

  it('PK-09 compares digests, so that a verifier nearly right is as wrong as any', async () => {
    const { stage, app } = await opened('native')
    const authorization = await app.authorize(stage.browser())
    const { verifier } = authorization
    const last = verifier.endsWith('A') ? 'B' : 'A'
    const first = verifier.startsWith('A') ? 'B' : 'A'
    const nearly = await app.redeem(authorization, { code_verifier: verifier.slice(0, -1) + last })
    const hardly = await app.redeem(authorization, { code_verifier: first + verifier.slice(1) })
    refused(nearly)
    assert.deepEqual(nearly.body, hardly.body)
    await isUnused(app, authorization)
    await stage.close()
  })
})

async function opened(
  kind: string,
  registration: { readonly [name: string]: unknown } = {},
): Promise<{ readonly stage: Stage; readonly app: App }> {
  const stage = await openStage()
  await stage.addUser()
  const app = stage.app(await stage.addClient({ id: 'shop', kind, redirectUris: [redirectUri], ...registration }))
  return { stage, app }
}

function refused(answer: Tokens): void {
  assert.equal(answer.status, 400)
  assert.equal(answer.body['error'], 'invalid_grant')
}

async function isUnused(app: App, authorization: Authorization): Promise<void> {
  const tokens = await app.redeem(authorization)
  assert.equal(tokens.status, 200)
  assert.equal((await app.refresh(tokens.refreshToken)).status, 200)
}

function s256(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url')
}
