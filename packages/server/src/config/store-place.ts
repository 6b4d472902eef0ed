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
  if (text.includes('#')) return 'the URL of a database has no fragment: write # in a password as %23'
  const url = parse(text)
  const hosts = url?.hosts ?? []
  if (url === null || !hosts.every(host => URL.canParse(`http://${host === '' ? 'localhost' : host}/`))) {
    return 'the URL of the database cannot be read: write postgres://USER@HOST:PORT/DATABASE, with what is special in it percent-encoded'
  }
  if (url.path.length < 2) return 'the URL names no database: write postgres://USER@HOST/DATABASE'
  return judgeEncryption(url)
}

/** What asks for TLS where there is any, and takes less where somebody on the way says that there is none, is no choice. */
function judgeEncryption(url: DatabaseUrl): string | null {
  const said = url.parameters.filter(([name]) => name === 'sslmode').map(([, value]) => value)
  const isUnclear = said.length > 1 || said.some(mode => !encryptions.has(mode))
  if (!isUnclear && !url.parameters.some(([name]) => name === 'ssl')) return null
  return 'the URL says in no clear way how the connection is encrypted: write sslmode=verify-full once, and nothing else about it but sslrootcert=FILE where the authority is your own'
}

/** All but the last two mean that the server proves who it is. */
const encryptions = new Set(['verify-full', 'verify-ca', 'require', 'no-verify', 'disable'])

export function isPostgresUrl(text: string): boolean {
  return /^postgres(ql)?:\/\//.test(text)
}

/** The text as it may be shown: every password in it is three asterisks. */
export function shownStore(text: string): string {
  const url = parse(text)
  if (url === null) return isPostgresUrl(text) ? hidden : text
  const user = url.credentials.replace(/:.*@$/s, `:${hidden}@`)
  const query = url.parameters.map(([name, value]) => `${name}=${isPassword(name) ? hidden : value}`).join('&')
  return `${url.scheme}${user}${url.hosts.join(',')}${url.path}${query === '' ? '' : '?'}${query}`
}

export function hasPassword(text: string): boolean {
  const url = parse(text)
  if (url === null) return isPostgresUrl(text)
  return url.credentials.includes(':') || url.parameters.some(([name]) => isPassword(name))
}

/** Where a connection leaves this machine and the URL does not say how it is encrypted, the server must prove who it is. */
export function withEncryption(text: string): string {
  const url = parse(text)
  if (url === null || staysAllHere(url) || encryptionOf(url) !== undefined) return text
  return `${text}${text.includes('?') ? '&' : '?'}sslmode=verify-full`
}

/** True where a connection leaves this machine and nobody looks who is at the other end. */
export function isEncryptionUnproven(text: string): boolean {
  const url = parse(text)
  return url !== null && !staysAllHere(url) && encryptionOf(url) === 'no-verify'
}

function encryptionOf({ parameters }: DatabaseUrl): string | undefined {
  return parameters.find(([name]) => name === 'sslmode')?.[1]
}

function staysAllHere({ parameters, hosts }: DatabaseUrl): boolean {
  const named = parameters.find(([name]) => name === 'host')?.[1].split(',')
  return (named ?? hosts).every(staysHere)
}

const hidden = '***'

interface DatabaseUrl {
  readonly scheme: string
  /** With the `@` they end with, or empty. */
  readonly credentials: string
  /** Each with its port. Several where a failover changes the host. */
  readonly hosts: readonly string[]
  readonly path: string
  readonly parameters: readonly (readonly [name: string, value: string])[]
}

/** As libpq writes it, which is not quite what the URL standard reads: there may be several hosts, or none. */
function parse(text: string): DatabaseUrl | null {
  const parts = /^(postgres(?:ql)?:\/\/)([^/?#]*)([^?#]*)(?:\?([^#]*))?$/.exec(text)
  if (parts === null) return null
  const [, scheme = '', authority = '', path = '', query = ''] = parts
  const at = authority.lastIndexOf('@') + 1
  const hosts = authority.slice(at).split(',')
  return { scheme, credentials: authority.slice(0, at), hosts, path, parameters: [...new URLSearchParams(query)] }
}

/** The driver takes settings from the query too, and the password is one of them. */
function isPassword(name: string): boolean {
  return /password/i.test(name)
}

/** True of this machine by name, and of a socket's directory. */
function staysHere(host: string): boolean {
  return host === '' || /^(\/|%2f)/i.test(host) || isLoopbackHost(host.replace(/:\d+$/, ''))
}
