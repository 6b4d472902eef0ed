/** Instances of a client that its maker vouches for (draft-ietf-oauth-attestation-based-client-auth-10). */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import { calculateJwkThumbprint } from 'jose'
import { changeClient } from '../../packages/server/src/admin/clients.ts'
import { challengeWindowSeconds } from '../../packages/server/src/oauth/attestation-challenge.ts'
import { attestationProofSecondsMax } from '../../packages/server/src/oauth/client-attestation.ts'
import type { AppOptions } from '../stage/app.ts'
import { dpopKey } from '../stage/dpop.ts'
import {
  assertInvalidGrant,
  assertUnchanged,
  familyIdOf,
  kindsOf,
  openScene,
  phone,
  type Scene,
} from '../stage/scene.ts'
import { type Json, newSigner, type Signer } from '../stage/signer.ts'

const attestationType = 'oauth-client-attestation+jwt'
const proofType = 'oauth-client-attestation-pop+jwt'

interface AttestedScene extends Scene {
  readonly maker: Signer
  readonly instance: Signer
  readonly attest: (changes?: Json, header?: Json, by?: Signer) => Promise<string>
  readonly prove: (changes?: Json, header?: Json, by?: Signer) => Promise<string>
  readonly post: (attestation: string | null, proof: string | null, clientId?: string) => Promise<Response>
}

async function openAttestedScene(test: TestContext): Promise<AttestedScene> {
  const [maker, instance] = [newSigner('ES256', 'maker'), newSigner('ES256', 'instance')]
  const client = { ...phone, auth: 'attest_jwt_client_auth', attesterJwks: { keys: [maker.publicJwk] } }
  const scene = await openScene(test, { client })
  const { stage } = scene
  const now = (): number => Math.floor(stage.clock.nowMs() / 1000)
  let challenge: string | null = null
  const post: AttestedScene['post'] = async (attestation, proof, clientId = 'phone') => {
    const headers: { [name: string]: string } = { 'content-type': 'application/x-www-form-urlencoded' }
    if (attestation !== null) headers['oauth-client-attestation'] = attestation
    if (proof !== null) headers['oauth-client-attestation-pop'] = proof
    const body = new URLSearchParams({ token: 'x', client_id: clientId }).toString()
    const response = await stage.send('/introspect', { method: 'POST', headers, body })
    challenge = response.headers.get('oauth-client-attestation-challenge') ?? challenge
    return response
  }
  const attest: AttestedScene['attest'] = (changes, header, by = maker) => {
    const claims = { iss: 'https://maker.example', sub: 'phone', iat: now(), exp: now() + 3600 }
    const confirmed = { cnf: { jwk: instance.publicJwk } }
    return by.sign({ ...claims, ...confirmed, ...changes }, { typ: attestationType, ...header })
  }
  const prove: AttestedScene['prove'] = (changes, header, by = instance) => {
    const claims = { aud: stage.issuer, jti: randomUUID(), iat: now(), challenge }
    return by.sign({ ...claims, ...changes }, { typ: proofType, ...header })
  }
  await post(await attest(), await prove({ challenge: undefined }))
  assert.notEqual(challenge, null, 'no challenge came')
  return { ...scene, maker, instance, attest, prove, post }
}

/** A client that this instance authenticates. */
function by({ attest, prove }: AttestedScene, instance: Signer, said: Json = {}): AppOptions {
  return {
    authenticate: async () => ({
      headers: {
        'oauth-client-attestation': await attest({ cnf: { jwk: instance.publicJwk }, ...said }),
        'oauth-client-attestation-pop': await prove({}, {}, instance),
      },
    }),
  }
}

async function assertRefused(response: Response, about: string): Promise<void> {
  const body = await response.text()
  assert.equal(response.status, 401, `${about}: ${body}`)
  assert.equal(body, '{"error":"invalid_client","error_description":"Client authentication failed."}', about)
  assert.equal(response.headers.get('oauth-client-attestation-challenge'), null, about)
}

describe('an attested instance', () => {
  it('CA-06 is its client once for each proof, with one attestation for many', async test => {
    const { attest, prove, post } = await openAttestedScene(test)
    const [attestation, proof] = [await attest(), await prove()]
    assert.equal((await post(attestation, proof)).status, 200)
    await assertRefused(await post(attestation, proof), 'the same proof')
    assert.equal((await post(attestation, await prove())).status, 200)
  })

  it('CA-09 is told a challenge when all else is proven, and nothing before', async test => {
    const { stage, attest, prove, post } = await openAttestedScene(test)
    for (const challenge of [undefined, '', 'x', 7]) {
      const response = await post(await attest(), await prove({ challenge }))
      assert.equal(response.status, 400)
      assert.equal(((await response.json()) as Json)['error'], 'use_attestation_challenge')
      assert.notEqual(response.headers.get('oauth-client-attestation-challenge'), null)
    }
    const proof = await prove()
    stage.clock.advanceSeconds(2 * challengeWindowSeconds)
    const { challenge } = JSON.parse(Buffer.from(proof.split('.')[1] ?? '', 'base64url').toString()) as Json
    const late = await prove({ challenge })
    assert.equal((await post(await attest(), late)).status, 400, 'a challenge of long ago')
    assert.equal((await post(await attest(), await prove())).status, 200)
  })

  it('CA-09 is nobody by an attestation that is not of its maker, for it, and of now', async test => {
    const { stage, maker, instance, attest, prove, post } = await openAttestedScene(test)
    const now = Math.floor(stage.clock.nowMs() / 1000)
    const wrong: readonly (readonly [string, string])[] = [
      ['another maker', await attest({}, {}, newSigner('ES256', 'maker'))],
      ['itself', await attest({}, {}, instance)],
      ['an unknown kid', await attest({}, { kid: 'other' })],
      ['another type', await attest({}, { typ: 'JWT' })],
      ['a proof', await attest({}, { typ: proofType })],
      ['another client', await attest({ sub: 'nobody' })],
      ['over', await attest({ exp: now })],
      ['without end', await attest({ exp: undefined })],
      ['of later', await attest({ nbf: now + 61 })],
      ['no key', await attest({ cnf: undefined })],
      ['no jwk', await attest({ cnf: { jkt: 'x' } })],
      ['a private key', await attest({ cnf: { jwk: instance.privateJwk } })],
      ['a symmetric key', await attest({ cnf: { jwk: { kty: 'oct', k: 'c2VjcmV0' } } })],
      ['nothing', ''],
      ['two', `${await attest()}, ${await attest()}`],
    ]
    for (const [about, attestation] of wrong) await assertRefused(await post(attestation, await prove()), about)
    assert.equal(
      (await post(await attest({ iss: undefined }, { kid: undefined }), await prove())).status,
      200,
      maker.kid,
    )
  })

  it('CA-09 is nobody by a proof that is not of its key, for this server, and of now', async test => {
    const { stage, maker, attest, prove, post } = await openAttestedScene(test)
    const now = Math.floor(stage.clock.nowMs() / 1000)
    const wrong: readonly (readonly [string, string | null])[] = [
      ['another key', await prove({}, {}, newSigner())],
      ['the maker', await prove({}, {}, maker)],
      ['another type', await prove({}, { typ: 'dpop+jwt' })],
      ['another server', await prove({ aud: 'https://another.example' })],
      ['two servers', await prove({ aud: [stage.issuer, 'https://another.example'] })],
      ['no jti', await prove({ jti: undefined })],
      ['a long jti', await prove({ jti: 'x'.repeat(257) })],
      ['no iat', await prove({ iat: undefined })],
      ['old', await prove({ iat: now - attestationProofSecondsMax })],
      ['of later', await prove({ iat: now + 61 })],
      ['nothing', null],
    ]
    for (const [about, proof] of wrong) await assertRefused(await post(await attest(), proof), about)
    const latest = await prove({ iat: now - attestationProofSecondsMax + 1 })
    assert.equal((await post(await attest(), latest)).status, 200)
  })

  it('CA-09 may prove its key by one DPoP proof for both, good once and with a nonce of ours alone', async test => {
    const { stage, attest } = await openAttestedScene(test)
    const [key, other] = [await dpopKey(stage), await dpopKey(stage)]
    const cnf = { jwk: key.publicJwk }
    const attestation = await attest({ cnf })
    const path = '/introspect'
    const ask = ({ dpop }: { readonly dpop: string }, by = attestation): Promise<Response> => {
      const form = { 'content-type': 'application/x-www-form-urlencoded' }
      const headers = { ...form, 'oauth-client-attestation': by, dpop }
      return stage.send(path, { method: 'POST', headers, body: 'token=x&client_id=phone' })
    }
    const first = await ask(await key.proof({ path }))
    assert.equal(first.status, 400)
    assert.equal(((await first.json()) as Json)['error'], 'use_dpop_nonce')
    const nonce = first.headers.get('dpop-nonce') ?? ''
    const proof = await key.proof({ path, nonce })
    assert.equal((await ask(proof)).status, 200)
    await assertRefused(await ask(proof), 'the same proof')
    await assertRefused(await ask(await other.proof({ path, nonce })), 'another key')
    await assertRefused(
      await ask(await key.proof({ path, nonce }), await attest({ cnf, sub: 'nobody' })),
      'another client',
    )
    const elsewhere = await ask(await key.proof({ path: '/token', nonce }))
    assert.equal(((await elsewhere.json()) as Json)['error'], 'invalid_dpop_proof')
  })

  it('CA-09 keeps its refresh token to its own key: another instance of the same client gets nowhere with it', async test => {
    const scene = await openAttestedScene(test)
    const { stage, registered, browser, instance } = scene
    const other = newSigner('ES256', 'other')
    const [mine, thief] = [stage.app(registered, by(scene, instance)), stage.app(registered, by(scene, other))]
    const first = await mine.signIn(browser)
    const second = await mine.refresh(first.refreshToken)
    assert.equal(second.status, 200)
    assertInvalidGrant(await thief.refresh(second.refreshToken))
    assertInvalidGrant(await thief.refresh(first.refreshToken))
    assert.equal((await mine.refresh(first.refreshToken)).refreshToken, second.refreshToken, 'a repeat, by its key')
    await assertUnchanged(mine, second)
    const kinds = await kindsOf(stage, familyIdOf(stage, first.refreshToken))
    const expected = ['binding_missing', 'binding_missing', 'family_opened', 'token_repeated']
    assert.deepEqual(kinds.toSorted(), expected)
  })

  it('CA-09 is told by introspection whose key its refresh token is for', async test => {
    const scene = await openAttestedScene(test)
    const { stage, registered, browser, instance } = scene
    const app = stage.app(registered, by(scene, instance))
    const { refreshToken } = await app.signIn(browser)
    const { active, cnf } = await app.introspect(refreshToken)
    assert.deepEqual([active, cnf], [true, { jkt: await calculateJwkThumbprint(instance.publicJwk) }])
  })

  it('CA-09 is told the key of a family of before it was attested, which is bound to that for good', async test => {
    const scene = await openAttestedScene(test)
    const { stage, browser, maker, instance } = scene
    const before = await stage.addClient({ ...phone, id: 'before' })
    const key = await dpopKey(stage)
    const bare = stage.app(before)
    const { refreshToken } = await bare.redeem(await bare.authorize(browser), {}, await key.proof({}))
    const change = { auth: 'attest_jwt_client_auth', attesterJwks: { keys: [maker.publicJwk] } }
    await changeClient(stage.workbench, 'before', change)
    const app = stage.app(before, by(scene, instance, { sub: 'before' }))
    const { active, cnf } = await app.introspect(refreshToken)
    assert.deepEqual([active, cnf], [true, { jkt: key.thumbprint }])
    assertInvalidGrant(await app.refresh(refreshToken))
    assertInvalidGrant(await app.refresh(refreshToken, {}, await key.proof({})))
  })

  it('CA-04 is no other client, and its client comes in by nothing else', async test => {
    const { stage, attest, prove, post } = await openAttestedScene(test)
    await stage.addClient({ ...phone, id: 'bare' })
    await assertRefused(await post(await attest({ sub: 'bare' }), await prove(), 'bare'), 'a public client')
    await assertRefused(await post(await attest(), await prove(), 'nobody'), 'no client')
    await assertRefused(await post(null, null), 'nothing')
    await assertRefused(await post(null, await prove()), 'a proof alone')
  })
})
