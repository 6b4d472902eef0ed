/** What a backend for frontend is configured with; every default is the strict one. */

import type { Custody, CustodyStore, HolderOptions } from '@pawl/client'
import type { ClientAuth } from 'oauth4webapi'

export interface BffOptions extends Pick<Custody, 'server' | 'client' | 'custodyKey' | 'fetch' | 'clock' | 'chance'> {
  /** Where browsers find the application: scheme, host and port. The request's own Host is never believed. */
  readonly origin: string
  /** How the backend proves itself to the server: it is a confidential client (RFC 10017 §6.1.3.1). */
  readonly authentication: ClientAuth
  /** Sessions and grants, sealed; shared by all processes of the application. */
  readonly store: CustodyStore
  /** Which paths of the application lead to which API. What is not named here is not reached. */
  readonly routes?: { readonly [path: string]: Route }
  /** Where the endpoints are. */
  readonly basePath?: string
  readonly scope?: string
  /** Claims of the ID token that the browser may see, beside `sub`. */
  readonly claims?: readonly string[]
  /** Binds the tokens to a key (RFC 9449), where the server can. */
  readonly useDpop?: boolean
  /** A session that nobody uses for so long is over. */
  readonly idleSeconds?: number
  /** A session is over after so long, whoever uses it. */
  readonly absoluteSeconds?: number
  /** A path of the application, for a sign-in that failed; the reason is in `sign_in_error`. */
  readonly failurePath?: string
  /** A path of the application, to come back to from the server's own logout page. It must be registered there. */
  readonly signedOutPath?: string
  /**
   * Sends the ID token through the browser when signing out, so that the server need not ask the person whether they mean
   * it. Then the browser sees a token.
   */
  readonly sendsIdTokenThroughBrowser?: boolean
  readonly limits?: HolderOptions['limits']
  readonly onEvent?: (event: BffEvent) => void
}

/** One API behind the application. The key of the table is a path: one that ends in `/` stands for all below it. */
export interface Route {
  /** An address; what follows the path of the route is appended to it when that ends in `/`. */
  readonly upstream: string
  /** RFC 8707: what the access token is for. */
  readonly resource?: string
  readonly scope?: string
  /** Any, unless named. */
  readonly methods?: readonly string[]
}

/** What an operator may want to know. Nothing in it can be used. */
export type BffEvent =
  | { readonly kind: 'signed-in'; readonly session: string; readonly subject: string }
  | { readonly kind: 'sign-in-failed'; readonly error: unknown }
  | {
      readonly kind: 'signed-out'
      readonly session: string
      readonly reason: 'person' | 'server' | 'operator' | 'replaced' | 'too-many' | 'refused'
    }
  | { readonly kind: 'refused'; readonly reason: 'cross-site' | 'no-header' | 'no-route' | 'bad-path' | 'method' }
  | { readonly kind: 'trouble'; readonly error: unknown }

/** The options with their defaults, checked. */
export interface Settings
  extends Required<Omit<BffOptions, 'authentication' | 'fetch' | 'clock' | 'chance' | 'limits' | 'onEvent'>> {
  readonly given: BffOptions
  readonly callbackUrl: string
  tell(event: BffEvent): void
}

export const idleSecondsDefault = 8 * 3600
export const absoluteSecondsDefault = 7 * 86_400

/** Throws `TypeError` with a sentence that says what to change. */
export function settingsOf(options: BffOptions): Settings {
  const { basePath = '/bff', failurePath = '/', signedOutPath = '/' } = options
  const origin = checkedOrigin(options.origin)
  for (const path of [basePath, failurePath, signedOutPath]) checkPath(path)
  for (const [path, route] of Object.entries(options.routes ?? {})) checkRoute(path, route, basePath)
  const settings = {
    ...options,
    given: options,
    origin,
    basePath,
    failurePath,
    signedOutPath,
    callbackUrl: `${origin}${basePath}/callback`,
    routes: options.routes ?? {},
    scope: options.scope ?? 'openid',
    claims: options.claims ?? [],
    useDpop: options.useDpop ?? false,
    idleSeconds: options.idleSeconds ?? idleSecondsDefault,
    absoluteSeconds: options.absoluteSeconds ?? absoluteSecondsDefault,
    sendsIdTokenThroughBrowser: options.sendsIdTokenThroughBrowser ?? false,
    tell: (event: BffEvent) => options.onEvent?.(event),
  }
  if (!settings.scope.split(' ').includes('openid'))
    throw new TypeError('scope has openid in it: a session is of a person')
  return settings
}

function checkedOrigin(text: string): string {
  const url = new URL(text)
  if (url.protocol !== 'https:' && !isThisMachine(url)) throw new TypeError('origin is https, or http on this machine')
  if (url.origin !== text) throw new TypeError(`origin is scheme, host and port alone: ${url.origin}`)
  return text
}

function checkPath(path: string): void {
  if (!path.startsWith('/') || path.startsWith('//') || (path !== '/' && path.endsWith('/'))) {
    throw new TypeError(`'${path}' is no path: it begins with one slash and ends in none`)
  }
}

function checkRoute(path: string, { upstream }: Route, basePath: string): void {
  const url = new URL(upstream)
  if (!/^\/[\w\-./]*$/.test(path) || path.includes('//') || path.includes('/.'))
    throw new TypeError(`'${path}' is no path of a route`)
  if (`${path}/`.startsWith(`${basePath}/`)) throw new TypeError(`the route '${path}' lies below ${basePath}`)
  if (path.endsWith('/') !== url.pathname.endsWith('/'))
    throw new TypeError(`'${path}' and its upstream end alike, in a slash or in none`)
  if (url.search !== '' || url.hash !== '' || url.username !== '')
    throw new TypeError(`the upstream of '${path}' is an address without query, fragment and user`)
  if (url.protocol !== 'https:' && !isThisMachine(url))
    throw new TypeError(`the upstream of '${path}' is https, or http on this machine`)
}

/** Every name below `localhost` is this machine too (RFC 6761 §6.3). */
function isThisMachine({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && (['127.0.0.1', '[::1]'].includes(hostname) || /(?:^|\.)localhost$/.test(hostname))
}
