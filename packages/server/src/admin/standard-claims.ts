/**
 * Standard claims (OIDC Core §5.1) have types, and applications rely on them. Whatever else an operator keeps about a person
 * has the type that the operator gives it.
 */

import { profileTexts } from '../domain/user/standard-claims.ts'
import type { User } from '../domain/user/user.ts'

const texts: ReadonlySet<string> = new Set([...profileTexts, 'phone_number'])
/** OIDC Core §5.1.1. */
const partsOfAddress: readonly string[] = [
  'formatted',
  'street_address',
  'locality',
  'region',
  'postal_code',
  'country',
]

export function isTextClaim(name: string): boolean {
  return texts.has(name)
}

/** One sentence for each standard claim of another type. A claim that is null has no value, which is always right. */
export function judgeStandardClaims(claims: User['claims']): readonly string[] {
  return Object.entries(claims).flatMap(([name, value]) => {
    const type = value === null ? null : typeWanted(name, value)
    return type === null ? [] : [`The claim ${name} is ${type} (OpenID Connect Core §5.1).`]
  })
}

/** What the claim should be, where it is not. */
function typeWanted(name: string, value: unknown): string | null {
  if (isTextClaim(name)) return typeof value === 'string' ? null : 'a text'
  if (name === 'updated_at') return typeof value === 'number' ? null : 'a number of seconds since 1970'
  if (name === 'phone_number_verified') return typeof value === 'boolean' ? null : 'true or false'
  if (name === 'address') return isAddress(value) ? null : `an object of texts such as ${partsOfAddress.join(', ')}`
  return null
}

function isAddress(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(([part, text]) => !partsOfAddress.includes(part) || typeof text === 'string')
}
