/** The flags of `client add` and `client set` about how a client asks for authorizations. */

import type { Command } from 'commander'
import { encryptionOf } from './client-token-flags.ts'

export interface ClientRequestFlags {
  readonly requirePar?: boolean
  readonly requireSignedRequests?: boolean
  readonly requestAlg?: string
  readonly responseAlg?: string
  /** False: `--no-response-encryption`. */
  readonly responseEncryption?: string | false
  readonly detailsType?: readonly string[]
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
}

export function requestChangesOf(flags: ClientRequestFlags): { readonly [name: string]: unknown } {
  return {
    requirePushedRequests: flags.requirePar,
    requireSignedRequests: flags.requireSignedRequests,
    requestObjectAlgorithm: flags.requestAlg,
    responseAlgorithm: flags.responseAlg,
    responseEncrypted: encryptionOf(flags.responseEncryption),
    authorizationDetailsTypes: flags.detailsType,
  }
}

function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text]
}
