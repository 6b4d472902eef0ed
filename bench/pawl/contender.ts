import type { Contender } from '../contender.ts'

export const pawl: Contender = {
  name: 'pawl',
  start: async () => {
    throw new Error('not yet')
  },
}
