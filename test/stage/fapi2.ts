/** A client of the FAPI 2.0 Security Profile, by each of the ways it may prove itself and bind its tokens. */

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import type { ClientWithSecret } from '../../packages/server/src/admin/clients.ts'
import type { PresentedCertificate } from '../../packages/server/src/domain/certificate/presented-certificate.ts'
import { selfSigned } from '../network/client-certificates.ts'
import { type App, type AppOptions, agree, app, type Authorization, type Fields, type Tokens } from './app.ts'
import type { Browser, Ground } from './browser.ts'
import { readCertificate, showing } from './certified.ts'
import { type DpopKey, dpopKey, type ProofOf } from './dpop.ts'
import type { Lifetime } from './lifetime.ts'
import { fieldsOf, pathTo } from './requests.ts'
import { byAssertion, newSigner, type Signer } from './signer.ts'
import { openStage, type Stage } from './stage.ts'

export const fapi2Means = [
  'private_key_jwt and DPoP',
  'private_key_jwt and mTLS',
  'mTLS and DPoP',
  'mTLS and mTLS',
] as const
export type Fapi2Means = (typeof fapi2Means)[number]

/** Where every code and every error goes. */
export const bankRedirect = 'https://bank.example/cb'

export interface Fapi2Scene {
  readonly stage: Stage
  readonly registered: ClientWithSecret
  readonly app: App
  /** How it proves itself, for an application that shows nothing else. */
  readonly proving: AppOptions
  readonly browser: Browser
  readonly signer: Signer
  readonly key: DpopKey
  /** What the client shows in TLS, or null where it shows nothing. */
  readonly certificate: PresentedCertificate | null
  /** The server to whoever shows that certificate. */
  readonly ground: Ground
  /** What the sender shows in a header: a DPoP proof, or nothing where it is the certificate. */
  readonly proof: (of?: ProofOf) => Promise<HeadersInit>
  /** Pushes the fields of an ordinary request with these in it, as the client. */
  readonly push: (fields?: Fields, headers?: HeadersInit) => Promise<Pushed>
  /** Pushes, signs the person in and answers the code. */
  readonly authorize: (fields?: Fields, headers?: HeadersInit) => Promise<Authorization>
  readonly redeem: (authorization: Authorization, fields?: Fields) => Promise<Tokens>
  readonly refresh: (refreshToken: string) => Promise<Tokens>
  readonly userinfo: (accessToken: string, ground?: Ground) => Promise<Response>
}

export interface Pushed {
  readonly status: number
  readonly body: { readonly [name: string]: unknown }
  readonly verifier: string
  /** Where the browser is sent; leads nowhere where the push was refused. */
  readonly path: string
}

export interface Fapi2Options {
  readonly means?: Fapi2Means
  /** Besides the profile, the method and the keys. */
  readonly client?: { readonly [name: string]: unknown }
  readonly settings?: { readonly [name: string]: unknown }
  readonly signer?: Signer
}

/** A server with one user and one client of the profile. It closes with the test. */
export async function openFapi2(lifetime: Lifetime, options: Fapi2Options = {}): Promise<Fapi2Scene> {
  const { means = 'private_key_jwt and DPoP', signer = newSigner() } = options
  const [method, sender] = means.split(' and ')
  const stage = await openStage({ settings: { ...takesCertificates, ...options.settings } })
  lifetime.after(() => stage.close())
  await stage.addUser()
  const der = means.includes('mTLS') ? (await selfSigned()).der : null
  const jwks = { keys: [signer.publicJwk, ...(method === 'mTLS' && der !== null ? [certifiedJwk(der)] : [])] }
  const registered = await stage.addClient({
    id: 'bank',
    kind: 'web',
    redirectUris: [bankRedirect],
    profile: 'fapi2',
    auth: method === 'mTLS' ? 'self_signed_tls_client_auth' : 'private_key_jwt',
    jwks,
    ...(sender === 'mTLS' ? { tlsClientCertificateBoundAccessTokens: true } : { dpopBoundAccessTokens: true }),
    ...options.client,
  })
  const certificate = der === null ? null : readCertificate(stage, der)
  const ground = showing(stage, certificate)
  const proving = method === 'mTLS' ? {} : { authenticate: byAssertion(stage, 'bank', signer) }
  const key = await dpopKey(stage)
  const proof = async (of: ProofOf = {}): Promise<HeadersInit> => (sender === 'mTLS' ? {} : key.proof(of))
  const parts = { stage, registered, signer, key, certificate, ground, proof, proving, isDpop: sender !== 'mTLS' }
  return sceneOf({ ...parts, app: app(ground, registered, proving) })
}

/** So that the metadata speaks of certificates. */
const takesCertificates = { clientCertificateHeader: 'Client-Cert', trustedProxies: ['127.0.0.1'] }

type Parts = Omit<Fapi2Scene, 'browser' | 'push' | 'authorize' | 'redeem' | 'refresh' | 'userinfo'> & {
  readonly isDpop: boolean
}

function sceneOf({ isDpop, ...parts }: Parts): Fapi2Scene {
  const { stage, app: client, ground, proof } = parts
  const browser = stage.browser()
  const push: Fapi2Scene['push'] = (fields, headers) => pushAs(client, fields, headers)
  return {
    ...parts,
    browser,
    push,
    authorize: async (fields, headers) => {
      const { path, verifier, body } = await push(fields, headers)
      assert.ok('request_uri' in body, JSON.stringify(body))
      const { searchParams } = await agree(browser, await browser.open(path))
      const code = searchParams.get('code')
      assert.ok(code !== null, searchParams.toString())
      return { code, verifier, parameters: searchParams }
    },
    redeem: async (authorization, fields) => client.redeem(authorization, fields, await proof()),
    refresh: async refreshToken => client.refresh(refreshToken, {}, await proof()),
    userinfo: async (accessToken, from = ground) => {
      const shown = await proof({ path: '/userinfo', method: 'GET', accessToken })
      const authorization = `${isDpop ? 'DPoP' : 'Bearer'} ${accessToken}`
      return from.send('/userinfo', { headers: { ...shown, authorization } })
    },
  }
}

async function pushAs(client: App, fields: Fields = {}, headers: HeadersInit = {}): Promise<Pushed> {
  const asked = fieldsOf(client, fields)
  const response = await client.post('/par', asked.fields, headers)
  const body = (await response.json()) as Pushed['body']
  const path = pathTo(asked.fields['client_id'] ?? '', String(body['request_uri']))
  return { status: response.status, body, verifier: asked.verifier, path }
}

function certifiedJwk(der: Buffer): object {
  const { publicKey } = new X509Certificate(der)
  return { ...publicKey.export({ format: 'jwk' }), kid: 'own', x5c: [der.toString('base64')] }
}
