import { guardApi, type ProofMarks } from '@pawl/verifier'

interface Redis {
  set(key: string, value: string, options: { readonly NX: true; readonly PXAT: number }): Promise<string | null>
}

export function guardOfMany(redis: Redis) {
  const proofMarks: ProofMarks = {
    take: async (mark, expiresAtMs) => {
      const answer = await redis.set(`dpop:${mark}`, '', { NX: true, PXAT: expiresAtMs })
      return answer === null ? 'used before' : 'taken'
    },
  }
  return guardApi({ issuer: 'https://id.example', audience: 'https://api.example', boundTokensOnly: true, proofMarks })
}
