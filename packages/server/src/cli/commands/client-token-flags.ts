/** The flags of `client add` and `client set` about what the tokens of a client look like. */

import type { Command } from 'commander'
import { UsageRefused } from '../exit-codes.ts'

export interface ClientTokenFlags {
  readonly accessTokens?: string
  readonly idTokenEncryption?: string | false
  readonly userinfoAlg?: string | false
  readonly userinfoEncryption?: string | false
  readonly introspectionAlg?: string | false
  readonly introspectionEncryption?: string | false
  readonly subjectType?: string
  readonly sectorIdentifier?: string | false
}

export function withClientTokenFlags(command: Command): Command {
  return command
    .option('--access-tokens <format>', 'jwt, or opaque for tokens that only introspection understands')
    .option('--id-token-encryption <alg[,enc]>', 'encrypt ID tokens to its key, such as RSA-OAEP-256,A256GCM')
    .option('--no-id-token-encryption', 'only sign them')
    .option('--userinfo-alg <alg>', 'answer userinfo as a signed JWT')
    .option('--no-userinfo-alg', 'answer userinfo unsigned')
    .option('--userinfo-encryption <alg[,enc]>', 'encrypt userinfo to its key')
    .option('--no-userinfo-encryption', 'do not')
    .option('--introspection-alg <alg>', 'answer its introspection as a signed JWT where it asks for one (RFC 9701)')
    .option('--no-introspection-alg', 'answer it as JSON only')
    .option('--introspection-encryption <alg[,enc]>', 'encrypt such answers to its key')
    .option('--no-introspection-encryption', 'do not')
    .option('--subject-type <type>', 'public, or pairwise for users under names that are its own')
    .option('--sector-identifier <url>', 'where the redirect URIs of its sector are listed (OIDC Core §8.1)')
    .option('--no-sector-identifier', 'its sector is the host of its redirect URIs')
}

export function tokenChangesOf(flags: ClientTokenFlags): { readonly [name: string]: unknown } {
  return {
    accessTokenFormat: flags.accessTokens,
    idTokenEncryption: encryptionOf(flags.idTokenEncryption),
    userinfoSigned: orNull(flags.userinfoAlg),
    userinfoEncrypted: encryptionOf(flags.userinfoEncryption),
    introspectionSigned: orNull(flags.introspectionAlg),
    introspectionEncrypted: encryptionOf(flags.introspectionEncryption),
    subjectType: flags.subjectType,
    sectorIdentifierUri: orNull(flags.sectorIdentifier),
  }
}

function orNull(flag: string | false | undefined): string | null | undefined {
  return flag === false ? null : flag
}

export function encryptionOf(flag: string | false | undefined): object | null | undefined {
  if (flag === false) return null
  if (flag === undefined) return undefined
  const [algorithm = '', content, more] = flag.split(',')
  if (more !== undefined) throw new UsageRefused('An encryption is written alg or alg,enc, such as ECDH-ES,A256GCM.')
  return { algorithm, ...(content === undefined ? {} : { content }) }
}
