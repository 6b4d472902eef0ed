/**
 * What the SDK found, judged before anything is done with it: a token and a person's password go to the issuer, so the
 * way to it must hold. The SDK itself does not compare the metadata's issuer with where it was found (RFC 8414 §3.3).
 */

import { isLoopbackUrl } from '@pawl/protocol'
import type { AuthorizationServer } from 'oauth4webapi'
import type { SdkDiscovery } from './sdk.ts'

/** The MCP server leads to an authorization server that is not to be used. Nothing was sent to it. */
export class ServerNotTrusted extends Error {
  constructor(what: string) {
    super(what)
    this.name = 'ServerNotTrusted'
  }
}

export interface Trust {
  readonly serverUrl: URL
  /** What the application trusts; null leaves it to the first sign-in. */
  readonly issuers: readonly string[] | null
  /** Where people have signed in before. */
  readonly known: string | null
}

/** The metadata, if it may be used. Throws `ServerNotTrusted` otherwise. */
export function trustedServer(discovery: SdkDiscovery, { serverUrl, issuers, known }: Trust): AuthorizationServer {
  const { authorizationServerUrl, authorizationServerMetadata: server, resourceMetadata } = discovery
  if (server === undefined) throw new ServerNotTrusted(`${authorizationServerUrl} publishes no metadata (RFC 8414)`)
  if (!isSameIssuer(server.issuer, authorizationServerUrl)) {
    throw new ServerNotTrusted(`the metadata at ${authorizationServerUrl} is that of another issuer`)
  }
  for (const endpoint of [server.issuer, server.authorization_endpoint, server.token_endpoint]) {
    const url = new URL(endpoint)
    if (url.protocol !== 'https:' && !isLoopbackUrl(url)) throw new ServerNotTrusted(`${url.origin} is not https`)
  }
  if (issuers !== null && !issuers.some(each => isSameIssuer(each, server.issuer))) {
    throw new ServerNotTrusted(`the MCP server leads to ${server.issuer}, which is not among the trusted issuers`)
  }
  if (issuers === null && known !== null && !isSameIssuer(known, server.issuer)) {
    throw new ServerNotTrusted(`the MCP server leads to ${server.issuer} and not to ${known} any more; forget it first`)
  }
  if (resourceMetadata !== undefined) checkResource(resourceMetadata.resource, serverUrl)
  return server
}

/** RFC 8707: the token is for the MCP server or for the whole of which it is a part. Throws `ServerNotTrusted`. */
export function checkResource(resource: string, serverUrl: URL): void {
  const { origin, pathname, hash } = new URL(resource)
  const whole = pathname.endsWith('/') ? pathname : `${pathname}/`
  if (origin !== serverUrl.origin || hash !== '' || !`${serverUrl.pathname}/`.startsWith(whole)) {
    throw new ServerNotTrusted(`the resource ${resource} is not ${serverUrl.href}`)
  }
}

/** One slash at the end makes no difference: the SDK adds it to an issuer without a path. */
export function isSameIssuer(one: string, other: string): boolean {
  return new URL(one).href.replace(/\/$/, '') === new URL(other).href.replace(/\/$/, '')
}
