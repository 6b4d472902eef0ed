/**
 * JWTs that the server signed (RFC 8725): access tokens, status lists, answers to introspection. The guard's settings say
 * which algorithms there are, the header only which of the server's keys it was; whatever else a header could point or
 * lead to is refused unread.
 */

import { signatureAlgorithms, type SignatureAlgorithm } from '../algorithms.ts'
import { objectOf } from '../bounded-fetch.ts'
import type { Claims } from '../verdict.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import { decodeText, isSignedBy } from './signature.ts'

/** A longer token is refused unread. */
export const tokenCharactersMax = 16_384
/** Headers of tokens that were good: with each key the server writes the same one every time. */
export const headersKeptMax = 64

export interface IssuerJwts {
  /** The claims, or half a sentence of what is wrong. Rejects with `ServerUnavailable` where there are no keys. */
  readonly read: (text: string, typ: string) => Promise<Claims | string>
}

interface Header {
  readonly algorithm: SignatureAlgorithm
  readonly keyId: string | null
  /** Without `application/`, in lower case (RFC 7515 §4.1.9). */
  readonly typ: string
}

export interface IssuerJwtsParts {
  readonly keys: IssuerKeys
  readonly algorithms: readonly SignatureAlgorithm[]
  /** Longer ones are refused unread. */
  readonly charactersMax: number
}

export function issuerJwts({ keys, algorithms, charactersMax }: IssuerJwtsParts): IssuerJwts {
  const known = new Map<string, Header>()
  return {
    read: async (text, typ) => {
      if (text.length > charactersMax || !isCompact(text)) return 'it is no signed JWT'
      const encoded = text.slice(0, text.indexOf('.'))
      const header = known.get(encoded) ?? readHeader(encoded)
      if (typeof header === 'string') return header
      if (header.typ !== typ) return `its typ is not ${typ}`
      if (!algorithms.includes(header.algorithm)) return 'its alg is none that this guard takes'
      const key = await keys.find(header.keyId, header.algorithm)
      if (key === null) return 'its key is none of the server'
      if (!(await isSignedBy(text, key, header.algorithm))) return 'its signature is not that of the key'
      if (known.size < headersKeptMax) known.set(encoded, header)
      return decodedObject(text.slice(encoded.length + 1, text.lastIndexOf('.'))) ?? 'its claims are no JSON object'
    },
  }
}

/** Three parts of the base64url alphabet and nothing else: no padding, no white space, no empty signature. */
export function isCompact(text: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)
}

function readHeader(encoded: string): Header | string {
  const header = decodedObject(encoded)
  if (header === null) return 'its header is no JSON object'
  const pointer = ['crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c', 'zip', 'enc'].find(name => name in header)
  if (pointer !== undefined) return `its header has ${pointer} in it`
  const { alg, kid, typ } = header
  const algorithm = signatureAlgorithms.find(each => each === alg)
  if (algorithm === undefined) return 'its alg is no asymmetric signature'
  if (kid !== undefined && typeof kid !== 'string') return 'its kid is no text'
  if (typeof typ !== 'string') return 'its typ is missing'
  return { algorithm, keyId: kid ?? null, typ: typ.toLowerCase().replace(/^application\//, '') }
}

function decodedObject(encoded: string): { readonly [name: string]: unknown } | null {
  const text = decodeText(encoded)
  return text === null ? null : objectOf(text)
}
