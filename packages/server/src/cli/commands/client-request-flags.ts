/** The flags of `client add` and `client set` about how a client asks for authorizations. */

import type { Command } from 'commander'
import { encryptionOf } from './client-token-flags.ts'
import { wholeNumber } from './whole-number.ts'

export interface ClientRequestFlags {
  readonly requirePar?: boolean
  readonly requireSignedRequests?: boolean
  readonly requestAlg?: string
  readonly responseAlg?: string
  /** False: `--no-response-encryption`. */
  readonly responseEncryption?: string | false
  readonly detailsType?: readonly string[]
  /** False: `--no-default-max-age`. */
  readonly defaultMaxAge?: number | false
  readonly defaultAcr?: readonly string[]
}

export function withClientRequestFlags(command: Command): Command {
  return command
    .option('--require-par', 'answer only requests that it pushed (RFC 9126)')
    .option('--no-require-par', 'answer all its requests')
    .option('--require-signed-requests', 'answer only requests that it signed (RFC 9101)')
    .option('--no-require-signed-requests', 'answer unsigned requests too')
    .option('--request-alg <alg>', 'the only algorithm its request objects are signed with')
    .option('--response-alg <alg>', 'what answers as a JWT are signed with (JARM)')
    .option('--response-encryption <alg[,enc]>', 'encrypt such answers to its key')
    .option('--no-response-encryption', 'only sign them')
    .option('--details-type <type>', 'authorization details it may ask for (RFC 9396); several times', collect)
    .option('--default-max-age <seconds>', 'how long ago a sign-in may be where a request has no max_age', wholeNumber)
    .option('--no-default-max-age', 'any time')
    .option('--default-acr <acr>', 'the level it wishes for where a request names none; several times', collect)
}

export function requestChangesOf(flags: ClientRequestFlags): { readonly [name: string]: unknown } {
  return {
    requirePushedRequests: flags.requirePar,
    requireSignedRequests: flags.requireSignedRequests,
    requestObjectAlgorithm: flags.requestAlg,
    responseAlgorithm: flags.responseAlg,
    responseEncrypted: encryptionOf(flags.responseEncryption),
    authorizationDetailsTypes: flags.detailsType,
    defaultMaxAgeSeconds: flags.defaultMaxAge === false ? null : flags.defaultMaxAge,
    defaultAcrValues: flags.defaultAcr,
  }
}

function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text]
}
