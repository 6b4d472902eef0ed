/** What an operator may say about the tokens of a client, as names of OIDC Registration §2 and RFC 9701 §6 and back. */

import { z } from 'zod'
import type { Client } from '../domain/client/client.ts'
import { signingAlgorithms } from '../domain/client/signing-algorithm.ts'
import { judgeSector } from '../domain/client/sector.ts'
import {
  contentAlgorithms,
  type Dress,
  type Encryption,
  encryptionAlgorithms,
  encryptsAnything,
  subjectTypes,
  type TokenRules,
} from '../domain/client/token-rules.ts'
import { accessTokenFormats } from '../domain/resource/resource.ts'

const encryption = z.strictObject({
  algorithm: z.enum(encryptionAlgorithms),
  content: z.enum(contentAlgorithms).default(contentAlgorithms[0]),
})
const signed = z.enum(signingAlgorithms).nullable().optional()
/** Null: what is answered is not encrypted. */
export const encrypted = encryption.nullable().optional()

export const tokenChangesShape = {
  accessTokenFormat: z.enum(accessTokenFormats).optional(),
  idTokenEncryption: encrypted,
  userinfoSigned: signed,
  userinfoEncrypted: encrypted,
  introspectionSigned: signed,
  introspectionEncrypted: encrypted,
  subjectType: z.enum(subjectTypes).optional(),
  sectorIdentifierUri: z.string().max(2048).nullable().optional(),
}
export type TokenChanges = z.infer<z.ZodObject<typeof tokenChangesShape>>

export function tokenRulesOf(rules: TokenRules, changes: TokenChanges): TokenRules {
  const { userinfo, introspection } = rules
  return {
    accessTokenFormat: changes.accessTokenFormat ?? rules.accessTokenFormat,
    idTokenEncryption: either(changes.idTokenEncryption, rules.idTokenEncryption),
    userinfo: {
      signed: either(changes.userinfoSigned, userinfo.signed),
      encrypted: either(changes.userinfoEncrypted, userinfo.encrypted),
    },
    introspection: {
      signed: either(changes.introspectionSigned, introspection.signed),
      encrypted: either(changes.introspectionEncrypted, introspection.encrypted),
    },
    subjectType: changes.subjectType ?? rules.subjectType,
    sectorIdentifierUri: either(changes.sectorIdentifierUri, rules.sectorIdentifierUri),
  }
}

function either<T>(change: T | undefined, before: T): T {
  return change === undefined ? before : change
}

/** One sentence for each thing that is wrong. */
export function judgeTokens(client: Client): string[] {
  const { tokens, jwks, jwksUri } = client
  const wrong: string[] = []
  if (encryptsAnything(tokens) && jwks.length === 0 && jwksUri === null) {
    wrong.push('What is encrypted to a client needs a key of it to be encrypted to: name it with --jwks.')
  }
  if (tokens.introspection.encrypted !== null && tokens.introspection.signed === null) {
    wrong.push('An answer to introspection is signed before it is encrypted (RFC 9701 §5): name an algorithm for that.')
  }
  const fault = tokens.subjectType === 'pairwise' ? judgeSector(client) : null
  if (fault !== null) wrong.push(fault)
  if (tokens.subjectType === 'public' && tokens.sectorIdentifierUri !== null) {
    wrong.push('A sector is for pairwise subjects: leave it out, or say --subject-type pairwise.')
  }
  return wrong
}

/** OIDC Registration §2, RFC 9701 §6; the format of access tokens is ours to name. */
export function tokensJson({ tokens }: Client): { readonly [name: string]: unknown } {
  const { sectorIdentifierUri } = tokens
  return {
    access_token_format: tokens.accessTokenFormat,
    ...encryptionJson('id_token', tokens.idTokenEncryption),
    ...dressJson('userinfo', tokens.userinfo),
    ...dressJson('introspection', tokens.introspection),
    subject_type: tokens.subjectType,
    ...(sectorIdentifierUri === null ? {} : { sector_identifier_uri: sectorIdentifierUri }),
  }
}

function dressJson(name: string, dress: Dress): { readonly [name: string]: unknown } {
  const signedPart = dress.signed === null ? {} : { [`${name}_signed_response_alg`]: dress.signed }
  return { ...signedPart, ...encryptionJson(name, dress.encrypted) }
}

/** A pair of members of OIDC Registration §2, such as `id_token_encrypted_response_alg` and `…_enc`. */
export function encryptionJson(name: string, said: Encryption | null): { readonly [name: string]: unknown } {
  if (said === null) return {}
  return { [`${name}_encrypted_response_alg`]: said.algorithm, [`${name}_encrypted_response_enc`]: said.content }
}
