import type { Contender } from './contender.ts'
import { limit, limitPg } from './limit/contender.ts'
import { type ContenderName, contenderNames } from './names.ts'
import { oidcProvider, oidcProviderPg } from './oidc-provider/contender.ts'
import { pawl, pawlPg } from './pawl/contender.ts'
import { peer } from './peers/contender.ts'

const all: { readonly [name in ContenderName]: Contender } = {
  limit: limit('limit', 1),
  'limit-2': limit('limit-2', 2),
  'oidc-provider': oidcProvider('oidc-provider', 'together'),
  'oidc-provider-plain': oidcProvider('oidc-provider-plain', 'alone'),
  'node-oauth': peer('node-oauth', 'sqlite'),
  'node-oauth-plain': peer('node-oauth-plain', 'sqlite'),
  jmondi: peer('jmondi', 'sqlite'),
  'jmondi-plain': peer('jmondi-plain', 'sqlite'),
  'better-auth': peer('better-auth', 'sqlite'),
  pawl: pawl('pawl', 1),
  'pawl-2': pawl('pawl-2', 2),
  'limit-pg': limitPg('limit-pg', 1),
  'limit-pg-2': limitPg('limit-pg-2', 2),
  'oidc-provider-pg': oidcProviderPg('oidc-provider-pg', 1),
  'oidc-provider-pg-2': oidcProviderPg('oidc-provider-pg-2', 2),
  'node-oauth-pg': peer('node-oauth-pg', 'postgres'),
  'jmondi-pg': peer('jmondi-pg', 'postgres'),
  'better-auth-pg': peer('better-auth-pg', 'postgres'),
  'pawl-pg': pawlPg('pawl-pg', 1),
  'pawl-pg-2': pawlPg('pawl-pg-2', 2),
}

export function contendersOf(names: readonly ContenderName[]): Contender[] {
  return contenderNames.filter(name => names.includes(name)).map(name => all[name])
}
