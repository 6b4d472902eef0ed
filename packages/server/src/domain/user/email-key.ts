/**
 * What makes an e-mail address one of a kind. Two texts that a person reads as the same address have one key, so nobody
 * takes a second account with a full-width or differently cased twin of another's name. Follows PRECIS
 * UsernameCaseMapped (RFC 8265 §3.3) with the stronger NFKC, and IDNA for the domain.
 */

import { domainToASCII } from 'node:url'

/** RFC 5321 §4.5.3.1.3 gives a path 256 bytes with its brackets. */
export const emailBytesMax = 254

/**
 * The key of an address, or null where the text is no address we would send mail to. Linear in the text, and constant
 * beyond `emailBytesMax`. Quoted local parts, spaces, controls, bidi controls and invisible characters are refused.
 */
export function emailKey(text: string): string | null {
  // A text never has fewer bytes than UTF-16 units, so a long one is refused without being looked at.
  if (text.length > emailBytesMax || !text.isWellFormed()) return null
  // Lower-casing can undo the normal form (U+0130), and normalising can bring capitals (U+1D400): hence both ends.
  const folded = text.normalize('NFKC').toLowerCase().normalize('NFKC')
  if (Buffer.byteLength(folded) > emailBytesMax || hiddenPattern.test(folded)) return null
  const at = folded.indexOf('@')
  if (at < 1 || at !== folded.lastIndexOf('@')) return null
  const local = folded.slice(0, at)
  const domain = domainKey(folded.slice(at + 1))
  if (domain === null || !isLocalPart(local)) return null
  const key = `${local}@${domain}`
  return Buffer.byteLength(key) > emailBytesMax ? null : key
}

/** Controls, formats, surrogates, private use, unassigned, every separator, and what fonts draw as nothing. */
const hiddenPattern = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u
const unicodeDomainPattern = /^[\p{L}\p{M}\p{N}._\u3002-]+$/u
const asciiDomainPattern = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/

/** One form for `bücher.example` and `xn--bcher-kva.example`. The letters are checked first: a URL parser reads more than names. */
function domainKey(text: string): string | null {
  if (!unicodeDomainPattern.test(text)) return null
  const domain = domainToASCII(text)
  return asciiDomainPattern.test(domain) ? domain : null
}

/** A dot-atom (RFC 5322 §3.2.3) in the letters of any script (RFC 6531 §3.3). */
function isLocalPart(local: string): boolean {
  if (local.startsWith('.') || local.endsWith('.') || local.includes('..')) return false
  return !/[()<>[\]:;,\\"]/.test(local)
}
