/** The servers a URL names. Several are tried in turn, so that a cluster needs no proxy to be found after a failover. */

import { StoreRefused } from '../../domain/store.ts'

/** One server. The URL holds the password and is never printed; `name` is for people. */
export interface Address {
  readonly name: string
  readonly url: string
}

export const addressesMax = 16

/**
 * Parameters that are answered here: only a server that takes writes is ever used, and no word of encryption means less
 * than it says. A driver that read `require` as libpq does would encrypt to whoever answers.
 */
const answeredHere = ['target_session_attrs', 'load_balance_hosts', 'uselibpqcompat']
const verified = new Set(['require', 'verify-ca', 'verify-full'])
const primaries = new Set(['any', 'read-write', 'primary'])

/** `postgres://user@a:5432,b:5432/name?…`, as libpq has it. Throws `StoreRefused` for a URL that names no server. */
export function addressesOf(url: string): readonly Address[] {
  const parts = /^(postgres(?:ql)?:\/\/)([^/?#]*)([^?#]*)(?:\?([^#]*))?$/.exec(url)
  if (parts === null) throw unreadable()
  const [, scheme = '', authority = '', path = '', query = ''] = parts
  const at = authority.lastIndexOf('@') + 1
  const hosts = authority.slice(at).split(',')
  if (hosts.length > addressesMax) {
    throw new StoreRefused(`The database URL names ${hosts.length} servers; at most ${addressesMax} are tried.`)
  }
  const parameters = `${path}${parametersOf(query)}`
  return hosts.map(host => addressOf(host, `${scheme}${authority.slice(0, at)}${host}${parameters}`))
}

function parametersOf(query: string): string {
  const parameters = new URLSearchParams(query)
  const wanted = parameters.get('target_session_attrs')
  if (wanted !== null && !primaries.has(wanted)) {
    throw new StoreRefused(
      `The database URL asks for a server that is ${wanted}, and only one that takes writes is of use: say target_session_attrs=read-write, or leave it out.`,
    )
  }
  for (const name of answeredHere) parameters.delete(name)
  const encryption = parameters.get('sslmode')
  if (encryption !== null && verified.has(encryption)) parameters.set('sslmode', 'verify-full')
  const kept = parameters.toString()
  return kept === '' ? '' : `?${kept}`
}

/** An error of the parser would show the URL, password and all. */
function addressOf(host: string, url: string): Address {
  if (!URL.canParse(url === '' ? 'invalid' : url.replace(/@\//, '@localhost/'))) throw unreadable()
  return { name: host === '' ? 'the local server' : host, url }
}

function unreadable(): StoreRefused {
  return new StoreRefused(
    'The database URL cannot be read: write it as postgres://user@host:5432/name, with what is special in it percent-encoded.',
  )
}
