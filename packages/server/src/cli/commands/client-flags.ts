/** The flags `client add` and `client set` share, and the changes they mean. */

import { type Command, InvalidArgumentError } from 'commander'
import { UsageRefused } from '../exit-codes.ts'

export interface ClientFlags {
  readonly name?: string
  readonly auth?: string
  readonly redirect?: readonly string[]
  readonly postLogoutRedirect?: readonly string[]
  readonly scope?: readonly string[]
  readonly resource?: readonly string[]
  readonly audience?: readonly string[]
  readonly refresh?: boolean
  readonly pkce?: string
  readonly firstParty?: boolean
  readonly idTokenAlg?: string
  readonly accessSeconds?: number
  readonly idleSeconds?: number
  readonly absoluteSeconds?: number
  readonly repeatSeconds?: number
  readonly reuseEnds?: string
  /** False: `--no-partner`. */
  readonly partner?: string | false
  readonly jwks?: string
  readonly enable?: true
  readonly disable?: true
}

export function withClientFlags(command: Command): Command {
  return command
    .option('--name <text>', 'what users read on the consent page')
    .option('--redirect <uri>', 'a redirect URI; may be given several times', collect)
    .option('--post-logout-redirect <uri>', 'where a signed-out user may return to; several times', collect)
    .option('--scope <scopes>', 'what it may ask for, separated by spaces; several times', collectWords)
    .option('--auth <method>', 'client_secret_basic or client_secret_post')
    .option('--resource <uri>', 'a resource it may ask tokens for (RFC 8707); several times', collect)
    .option('--audience <name>', 'an audience whose tokens it may introspect; several times', collect)
    .option('--refresh', 'give it refresh tokens')
    .option('--no-refresh', 'give it none')
    .option('--pkce <rule>', 'always, or or-nonce for a confidential OpenID Connect client')
    .option('--first-party', 'do not ask users for consent')
    .option('--no-first-party', 'ask users for consent')
    .option('--id-token-alg <alg>', 'ES256 or RS256')
    .option('--access-seconds <seconds>', 'how long an access token lives', wholeNumber)
    .option('--idle-seconds <seconds>', 'how long a family lives unused', wholeNumber)
    .option('--absolute-seconds <seconds>', 'how long a family lives at most', wholeNumber)
    .option('--repeat-seconds <seconds>', 'the repeat window; 0 turns it off', wholeNumber)
    .option('--reuse-ends <what>', 'what a reuse ends: family, grant, session or consent')
    .option('--partner <label>', 'a label shared by the clients of one partner')
    .option('--jwks <file>', 'the keys of private_key_jwt')
}

/** What the flags say, in the words of `admin/`. Flags that were not written are not there. */
export function changesOf(flags: ClientFlags): { readonly [name: string]: unknown } {
  if (flags.jwks !== undefined) {
    throw new UsageRefused('private_key_jwt is not there yet: leave --jwks out and use a client secret.')
  }
  if (flags.enable && flags.disable) throw new UsageRefused('--enable and --disable do not go together.')
  const changes = {
    name: flags.name,
    auth: flags.auth,
    redirectUris: flags.redirect,
    postLogoutRedirectUris: flags.postLogoutRedirect,
    scopes: flags.scope,
    resources: flags.resource,
    audiences: flags.audience,
    refresh: flags.refresh,
    pkce: flags.pkce?.replace('-', '_'),
    firstParty: flags.firstParty,
    idTokenAlgorithm: flags.idTokenAlg,
    accessSeconds: flags.accessSeconds,
    idleSeconds: flags.idleSeconds,
    absoluteSeconds: flags.absoluteSeconds,
    repeatSeconds: flags.repeatSeconds,
    reuseEnds: flags.reuseEnds,
    partner: flags.partner === false ? null : flags.partner,
    disabled: flags.disable ? true : flags.enable ? false : undefined,
  }
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw new InvalidArgumentError('It is a whole number.')
  return Number(text)
}

function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text]
}

function collectWords(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), ...text.split(' ').filter(word => word !== '')]
}
