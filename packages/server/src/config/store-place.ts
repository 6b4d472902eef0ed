/**
 * Where the database is, as an operator writes it: `sqlite:PATH`, or the URL of a PostgreSQL database. A URL may hold a
 * password, so it is never printed, logged or quoted in a refusal.
 */

import { type Unprintable, unprintable } from '../domain/keys/unprintable.ts'
import { isLoopbackHost } from './issuer.ts'

export interface SqlitePlace {
  readonly kind: 'sqlite'
  /** A file, or `:memory:`. */
  readonly path: string
}

export interface PostgresPlace extends Unprintable {
  readonly kind: 'postgres'
  readonly url: string
  readonly connections: number
  readonly syncStandbysMin: number
  readonly allowLosingRotations: boolean
}

export type StorePlace = SqlitePlace | PostgresPlace

export function sqlitePlace(path: string): SqlitePlace {
  return { kind: 'sqlite', path }
}

export function postgresPlace(place: Omit<PostgresPlace, keyof Unprintable | 'kind'>): PostgresPlace {
  return { kind: 'postgres', ...place, ...unprintable }
}

/** A sentence that refuses this text, without quoting it, or null when it is good. */
export function judgeStore(text: string): string | null {
  if (/^sqlite:.+/.test(text)) return null
  if (!isPostgresUrl(text)) return 'a store is written sqlite:PATH or postgres://USER@HOST/DATABASE'
  if (!URL.canParse(text)) return 'the URL of the database cannot be read: write postgres://USER@HOST:PORT/DATABASE'
  const url = new URL(text)
  if (url.pathname.length < 2) return 'the URL names no database: write postgres://USER@HOST/DATABASE'
  if (url.hash !== '') return 'the URL of a database has no fragment: write # in a password as %23'
  return null
}

export function isPostgresUrl(text: string): boolean {
  return /^postgres(ql)?:\/\//.test(text)
}

/** The text as it may be shown: every password in it is three asterisks. */
export function shownStore(text: string): string {
  if (!isPostgresUrl(text) || !URL.canParse(text)) return text
  const url = new URL(text)
  if (url.password !== '') url.password = hidden
  for (const name of passwordParameters(url)) url.searchParams.set(name, hidden)
  return url.href
}

export function hasPassword(text: string): boolean {
  if (!isPostgresUrl(text) || !URL.canParse(text)) return false
  const url = new URL(text)
  return url.password !== '' || passwordParameters(url).length > 0
}

/** True where the connection leaves this machine and the URL does not say how it is encrypted. */
export function isEncryptionUnsaid(text: string): boolean {
  if (!isPostgresUrl(text)) return false
  const url = new URL(text)
  const host = url.searchParams.get('host') ?? url.hostname
  const staysHere = host === '' || host.startsWith('/') || /^%2f/i.test(host) || isLoopbackHost(host)
  return !staysHere && !url.searchParams.has('sslmode')
}

const hidden = '***'

/** The driver takes settings from the query too, and the password is one of them. */
function passwordParameters(url: URL): readonly string[] {
  return [...url.searchParams.keys()].filter(name => /password/i.test(name))
}
