/** The flags `client add` and `client set` share, and the changes they mean. */

import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { certificateNameTypes } from '../../domain/client/client.ts'
import { UsageRefused } from '../exit-codes.ts'
import { aboutChangesOf, type ClientAboutFlags, withClientAboutFlags } from './client-about-flags.ts'
import { type ClientGrantFlags, grantChangesOf, withClientGrantFlags } from './client-grant-flags.ts'
import { type ClientRequestFlags, requestChangesOf, withClientRequestFlags } from './client-request-flags.ts'
import { type ClientLogoutFlags, logoutChangesOf, withClientLogoutFlags } from './client-logout-flags.ts'
import { type ClientTokenFlags, tokenChangesOf, withClientTokenFlags } from './client-token-flags.ts'
import { wholeNumber } from './whole-number.ts'

const keySetBytesMax = 65_536

export interface ClientFlags
  extends ClientRequestFlags,
    ClientAboutFlags,
    ClientTokenFlags,
    ClientLogoutFlags,
    ClientGrantFlags {
  readonly name?: string
  /** False: `--no-profile`. */
  readonly profile?: string | false
  readonly auth?: string
  readonly redirect?: readonly string[]
  readonly postLogoutRedirect?: readonly string[]
  readonly scope?: readonly string[]
  readonly resource?: readonly string[]
  readonly audience?: readonly string[]
  readonly pkce?: string
  readonly firstParty?: boolean
  readonly dpop?: boolean
  readonly certificateBound?: boolean
  readonly idTokenAlg?: string
  readonly accessSeconds?: number
  readonly idleSeconds?: number
  readonly absoluteSeconds?: number
  readonly repeatSeconds?: number
  readonly reuseEnds?: string
  /** False: `--no-minimum-acr`. */
  readonly minimumAcr?: string | false
  /** False: `--no-max-auth-age-seconds`. */
  readonly maxAuthAgeSeconds?: number | false
  /** False: `--no-partner`. */
  readonly partner?: string | false
  readonly authAlg?: string
  readonly jwks?: string
  readonly tlsName?: string
  readonly attesterJwks?: string
  readonly enable?: true
  readonly disable?: true
}

export function withClientFlags(command: Command): Command {
  return withClientGrantFlags(
    withClientLogoutFlags(withClientTokenFlags(withClientAboutFlags(withClientRequestFlags(command)))),
  )
    .option('--name <text>', 'what users read on the consent page')
    .option('--profile <name>', 'fapi2: hold it to the FAPI 2.0 Security Profile, and settle what that asks for')
    .option('--no-profile', 'hold it to none; what was settled stays until you change it')
    .option('--redirect <uri>', 'a redirect URI; may be given several times', collect)
    .option('--post-logout-redirect <uri>', 'where a signed-out user may return to; several times', collect)
    .option('--scope <scopes>', 'what it may ask for, separated by spaces; several times', collectWords)
    .option('--auth <method>', 'how it authenticates, as token_endpoint_auth_method (RFC 7591)')
    .option('--auth-alg <alg>', 'the only algorithm its assertions are signed with')
    .option('--jwks <file|url>', 'its public keys: a key set in a file, or where it publishes one')
    .option('--tls-name <type=value>', `the name in its certificate: ${certificateNameTypes.join(', ')}`)
    .option('--attester-jwks <file>', 'the keys of who attests its instances')
    .option('--resource <uri>', 'a resource it may ask tokens for (RFC 8707); several times', collect)
    .option('--audience <name>', 'an audience whose tokens it may introspect; several times', collect)
    .option('--pkce <rule>', 'always; for a confidential OpenID Connect client also or-nonce, or optional')
    .option('--first-party', 'do not ask users for consent')
    .option('--no-first-party', 'ask users for consent')
    .option('--dpop', 'every token request of it shows a DPoP proof (RFC 9449)')
    .option('--no-dpop', 'take its token requests without one')
    .option('--certificate-bound', 'bind its tokens to its TLS certificate (RFC 8705)')
    .option('--no-certificate-bound', 'do not')
    .option('--id-token-alg <alg>', 'what its ID tokens are signed with, such as ES256 or RS256')
    .option('--access-seconds <seconds>', 'how long an access token lives', wholeNumber)
    .option('--idle-seconds <seconds>', 'how long a family lives unused', wholeNumber)
    .option('--absolute-seconds <seconds>', 'how long a family lives at most', wholeNumber)
    .option('--repeat-seconds <seconds>', 'the repeat window; 0 turns it off', wholeNumber)
    .option('--reuse-ends <what>', 'what a reuse ends: family, grant, session or consent')
    .option('--minimum-acr <acr>', 'the least level its users must sign in with, such as phr')
    .option('--no-minimum-acr', 'take every level')
    .option('--max-auth-age-seconds <seconds>', 'how long ago its users may have signed in', wholeNumber)
    .option('--no-max-auth-age-seconds', 'take a sign-in of any age')
    .option('--partner <label>', 'a label shared by the clients of one partner')
}

/** What the flags say, in the words of `admin/`. Flags that were not written are not there. */
export function changesOf(flags: ClientFlags): { readonly [name: string]: unknown } {
  if (flags.enable && flags.disable) throw new UsageRefused('--enable and --disable do not go together.')
  const changes = {
    name: flags.name,
    profile: flags.profile === false ? null : flags.profile,
    auth: flags.auth,
    authAlgorithm: flags.authAlg,
    ...(flags.jwks === undefined ? {} : keysOf(flags.jwks)),
    certificateName: flags.tlsName === undefined ? undefined : certificateNameOf(flags.tlsName),
    attesterJwks: flags.attesterJwks === undefined ? undefined : readKeySet(flags.attesterJwks),
    redirectUris: flags.redirect,
    postLogoutRedirectUris: flags.postLogoutRedirect,
    scopes: flags.scope,
    resources: flags.resource,
    audiences: flags.audience,
    ...grantChangesOf(flags),
    pkce: flags.pkce?.replace('-', '_'),
    firstParty: flags.firstParty,
    dpopBoundAccessTokens: flags.dpop,
    tlsClientCertificateBoundAccessTokens: flags.certificateBound,
    ...requestChangesOf(flags),
    ...aboutChangesOf(flags),
    idTokenAlgorithm: flags.idTokenAlg,
    ...tokenChangesOf(flags),
    ...logoutChangesOf(flags),
    accessSeconds: flags.accessSeconds,
    idleSeconds: flags.idleSeconds,
    absoluteSeconds: flags.absoluteSeconds,
    repeatSeconds: flags.repeatSeconds,
    reuseEnds: flags.reuseEnds,
    minimumAcr: flags.minimumAcr === false ? null : flags.minimumAcr,
    maxAuthAgeSeconds: flags.maxAuthAgeSeconds === false ? null : flags.maxAuthAgeSeconds,
    partner: flags.partner === false ? null : flags.partner,
    disabled: flags.disable ? true : flags.enable ? false : undefined,
  }
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
}

function keysOf(place: string): { readonly jwks: unknown } | { readonly jwksUri: string } {
  return /^https?:/i.test(place) ? { jwksUri: place } : { jwks: readKeySet(place) }
}

/** A key set out of a file. One bare key is a set of one. */
function readKeySet(path: string): unknown {
  const text = textOf(path)
  if (text.length > keySetBytesMax)
    throw new UsageRefused(`The key set ${path} is longer than ${keySetBytesMax} bytes.`)
  const value = jsonOf(text, path)
  return typeof value === 'object' && value !== null && 'kty' in value ? { keys: [value] } : value
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new UsageRefused(`The key set ${path} cannot be read.`, { cause })
  }
}

function jsonOf(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's words quote the file, and somebody may have named a private key by mistake.
    throw new UsageRefused(`The key set ${path} is not JSON.`)
  }
}

function certificateNameOf(text: string): { readonly type: string; readonly value: string } {
  const equals = text.indexOf('=')
  if (equals < 1) throw new UsageRefused('--tls-name is written type=value, such as san_dns=shop.example.')
  return { type: text.slice(0, equals), value: text.slice(equals + 1) }
}

function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text]
}

function collectWords(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), ...text.split(' ').filter(word => word !== '')]
}
