/**
 * Authorization details as they are asked for, granted and narrowed (RFC 9396). They are kept as the JSON text that was
 * checked at the door. Pure.
 */

import { isRecord, judgeValue } from './details-schema.ts'
import type { DetailsType } from './details-type.ts'

/** One element of the array. */
export interface AuthorizationDetail {
  readonly type: string
  readonly [name: string]: unknown
}

/** Of one request. */
export const authorizationDetailsMax = 16

/** The elements, each with its type, or null for anything else. What is in them has not been looked at. */
export function parseDetails(text: string): readonly AuthorizationDetail[] | null {
  const value = jsonOf(text)
  if (!Array.isArray(value) || value.length === 0 || value.length > authorizationDetailsMax) return null
  return value.every(isDetail) ? value : null
}

/** Those of a grant. The text was checked when it was granted. */
export function grantedDetails(text: string): readonly AuthorizationDetail[] {
  return JSON.parse(text) as readonly AuthorizationDetail[]
}

/** What is wrong with one of them, in a sentence, or null. */
export function judgeDetail(detail: AuthorizationDetail, known: DetailsType): string | null {
  const { type: _, ...members } = detail
  const fault = judgeValue(known.schema, members, known.type)
  if (fault !== null) return fault
  const isElsewhere = locationsOf(detail).some(location => !known.resources.includes(location))
  return known.resources.length > 0 && isElsewhere ? `${known.type}.locations names a place it is not for.` : null
}

/**
 * True where each wanted one is within a granted one of its own: the same members with the same values, but that a list
 * of texts may have lost some. Nothing else is known to be less: a member that is left out may mean more, and so do two
 * payments where one was granted (RFC 9396 §6.1).
 */
export function areWithin(wanted: readonly AuthorizationDetail[], granted: readonly AuthorizationDetail[]): boolean {
  const takenBy = new Map<AuthorizationDetail, AuthorizationDetail>()
  // One that could have either of two gives way to one that has no choice.
  const findsPlace = (each: AuthorizationDetail, tried: Set<AuthorizationDetail>): boolean =>
    granted.some(one => {
      if (tried.has(one) || !isWithin(each, one)) return false
      tried.add(one)
      const other = takenBy.get(one)
      if (other !== undefined && !findsPlace(other, tried)) return false
      takenBy.set(one, each)
      return true
    })
  return wanted.every(each => findsPlace(each, new Set()))
}

/** What the holder of a token for these resources is told: what is for nowhere in particular, or for one of them. */
export function detailsFor(
  details: readonly AuthorizationDetail[],
  resources: readonly string[],
): readonly AuthorizationDetail[] {
  if (resources.length === 0) return details
  return details.filter(detail => {
    const locations = locationsOf(detail)
    return locations.length === 0 || locations.some(location => resources.includes(location))
  })
}

function locationsOf({ locations }: AuthorizationDetail): readonly string[] {
  return Array.isArray(locations) ? locations.filter(location => typeof location === 'string') : []
}

function isWithin(wanted: unknown, granted: unknown): boolean {
  if (Array.isArray(wanted) && Array.isArray(granted)) return isListWithin(wanted, granted)
  if (!isRecord(wanted) || !isRecord(granted)) return wanted === granted
  const names = Object.keys(wanted)
  if (names.length !== Object.keys(granted).length) return false
  return names.every(name => Object.hasOwn(granted, name) && isWithin(wanted[name], granted[name]))
}

function isListWithin(wanted: readonly unknown[], granted: readonly unknown[]): boolean {
  if (granted.length > 0 && granted.every(item => typeof item === 'string')) {
    // An empty list may be read as no limit.
    return wanted.length > 0 && wanted.every(item => typeof item === 'string' && granted.includes(item))
  }
  return wanted.length === granted.length && wanted.every((item, index) => isWithin(item, granted[index]))
}

function isDetail(value: unknown): value is AuthorizationDetail {
  return isRecord(value) && typeof value['type'] === 'string'
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // JSON.parse has no other way to say that a text is not JSON.
    return null
  }
}
