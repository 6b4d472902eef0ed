import type { Contender, ContenderName } from './contender.ts'
import { limit } from './limit/contender.ts'
import { oidcProvider, oidcProviderPlain } from './oidc-provider/contender.ts'
import { pawl } from './pawl/contender.ts'

const all: { readonly [name in ContenderName]: Contender } = {
  limit,
  'oidc-provider': oidcProvider,
  'oidc-provider-plain': oidcProviderPlain,
  pawl,
}

export function contendersOf(names: readonly ContenderName[]): Contender[] {
  return names.map(name => all[name])
}
