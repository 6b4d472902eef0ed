/**
 * A subject's distinguished name as a person writes it (RFC 4514), read so that it can be held against a certificate. The
 * text begins with the last attribute of the certificate. Attributes with several values at once (`+`) are not taken:
 * they have no order, and nobody's certificate for a client needs them.
 */

import type { NameAttribute } from './presented-certificate.ts'

export const distinguishedNameCharactersMax = 2048

/** The attributes in the order of the certificate, or null where the text is no such name. */
export function parseDistinguishedName(text: string): readonly NameAttribute[] | null {
  if (text === '' || text.length > distinguishedNameCharactersMax) return null
  const attributes: NameAttribute[] = []
  let at = 0
  while (at <= text.length) {
    const end = endOfAttribute(text, at)
    const attribute = parseAttribute(text.slice(at, end))
    if (attribute === null) return null
    attributes.push(attribute)
    at = end + 1
  }
  return attributes.toReversed()
}

/** Compares as `caseIgnoreMatch` does (RFC 4517 §4.2.11): case, and how much white space stands between words, mean nothing. */
export function isSameName(one: readonly NameAttribute[], other: readonly NameAttribute[]): boolean {
  if (one.length !== other.length) return false
  return one.every((attribute, index) => {
    const counterpart = other[index]
    return counterpart !== undefined && canonical(attribute) === canonical(counterpart)
  })
}

function canonical({ type, value }: NameAttribute): string {
  const words = value.normalize('NFKC').toLowerCase().trim().replace(/\s+/g, ' ')
  return `${shortName(type)}=${words}`
}

/** The same attribute under either of its names. */
function shortName(type: string): string {
  const upper = type.toUpperCase()
  return shortNames.get(upper) ?? upper
}

const shortNames: ReadonlyMap<string, string> = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.5', 'SERIALNUMBER'],
  ['2.5.4.6', 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.9', 'STREET'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['2.5.4.97', 'ORGANIZATIONIDENTIFIER'],
  ['0.9.2342.19200300.100.1.1', 'UID'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
  ['1.2.840.113549.1.9.1', 'EMAILADDRESS'],
])

function endOfAttribute(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at += 1
    else if (text[at] === ',') return at
  }
  return text.length
}

function parseAttribute(text: string): NameAttribute | null {
  const [, type, written] = /^ *([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+) *= *(.*)$/s.exec(text) ?? []
  if (type === undefined || written === undefined || written === '') return null
  const value = unescaped(written)
  return value === null || value.trim() === '' ? null : { type: type.toUpperCase(), value }
}

/** RFC 4514 §2.4: a backslash before a special character, or before the two digits of one byte of UTF-8. */
function unescaped(written: string): string | null {
  const bytes: Buffer[] = []
  for (const [token, hex, special] of written.matchAll(/\\([0-9A-Fa-f]{2})|\\([ "#+,;<=>\\])|[\s\S]/gu)) {
    if (hex !== undefined) bytes.push(Buffer.from(hex, 'hex'))
    else if (special !== undefined) bytes.push(Buffer.from(special))
    else if (/["+;<>\\\0]/.test(token)) return null
    else bytes.push(Buffer.from(token))
  }
  const value = Buffer.concat(bytes)
  return value.toString('utf8').isWellFormed() && Buffer.from(value.toString('utf8')).equals(value)
    ? value.toString('utf8')
    : null
}
