/** What the application is told by its environment, checked once. What is missing or unsafe is said in a sentence. */

import { randomBytes } from 'node:crypto'

export interface Settings {
  readonly issuer: URL
  readonly clientId: string
  readonly clientSecret: string
  /** Where people find this application; its redirect URI is `/callback` below it. */
  readonly appUrl: URL
  /** Behind a TLS proxy another port than that of `appUrl`. */
  readonly port: number
  readonly sessionKey: Uint8Array
  /** A SQLite file, or `:memory:`. */
  readonly sessionStore: string
  /** An access token with less than this left is renewed before it is used. */
  readonly refreshAheadSeconds: number
}

export class SettingsError extends Error {}

type Environment = { readonly [name: string]: string | undefined }

const sessionKeyBytes = 32

/** Throws `SettingsError` with the sentence to show. */
export function readSettings(environment: Environment): Settings {
  const appUrl = readUrl(environment, 'APP_URL', 'http://localhost:7296')
  return {
    issuer: readUrl(environment, 'ISSUER', 'http://localhost:7295'),
    clientId: environment['CLIENT_ID'] ?? 'demo-web',
    clientSecret: readSecret(environment),
    appUrl,
    port: readWhole(environment, 'PORT', appUrl.port === '' ? 8080 : Number(appUrl.port)),
    sessionKey: readSessionKey(environment, appUrl),
    sessionStore: environment['SESSION_STORE'] ?? ':memory:',
    refreshAheadSeconds: readWhole(environment, 'REFRESH_AHEAD_SECONDS', 30),
  }
}

export function redirectUriOf(settings: Settings): URL {
  return new URL('/callback', settings.appUrl)
}

export function isLoopback(url: URL): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
}

function readUrl(environment: Environment, name: string, standard: string): URL {
  const text = environment[name] ?? standard
  const url = URL.canParse(text) ? new URL(text) : null
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url))) return url
  throw new SettingsError(`${name} is an https URL, or an http one on localhost.`)
}

function readSecret(environment: Environment): string {
  const secret = environment['CLIENT_SECRET']
  if (secret !== undefined && secret !== '') return secret
  throw new SettingsError('Set CLIENT_SECRET to the secret that `npx pawl dev` printed beside demo-web.')
}

/** On localhost a key is made anew at every start, and the sessions of before are gone with the old one. */
function readSessionKey(environment: Environment, appUrl: URL): Uint8Array {
  const text = environment['SESSION_KEY']
  if (text === undefined && isLoopback(appUrl)) return randomBytes(sessionKeyBytes)
  const key = Buffer.from(text ?? '', 'base64url')
  if (key.length === sessionKeyBytes) return key
  throw new SettingsError('Set SESSION_KEY to 32 random bytes: openssl rand -base64 32 | tr +/ -_ | tr -d =')
}

function readWhole(environment: Environment, name: string, standard: number): number {
  const text = environment[name] ?? String(standard)
  if (!/^\d{1,5}$/.test(text)) throw new SettingsError(`${name} is a whole number.`)
  return Number(text)
}
