// Where the members of a cluster keep what they share: one Redis, as an operator would have it.
// Each model is a JSON text; what it is found by, and that it was used, are keys beside it.

const GRANT_SECONDS = 3600 // Longer than whatever was issued under a grant.

export function redisAdapter(redis) {
  return class RedisAdapter {
    #model

    constructor(model) {
      this.#model = model
    }

    async upsert(id, payload, expiresIn) {
      const key = this.#key(id)
      const write = redis.multi()
      const set = (name, value) => (expiresIn ? write.set(name, value, 'EX', expiresIn) : write.set(name, value))
      set(key, JSON.stringify(payload))
      if (payload.uid) set(`uid:${payload.uid}`, id)
      if (payload.grantId && this.#model !== 'Session') {
        write.sadd(`grant:${payload.grantId}`, key)
        write.expire(`grant:${payload.grantId}`, GRANT_SECONDS)
      }
      await write.exec()
    }

    async find(id) {
      const [text, consumed] = await redis.mget(this.#key(id), `${this.#key(id)}:consumed`)
      if (text === null) return undefined
      return consumed === null ? JSON.parse(text) : { ...JSON.parse(text), consumed: Number(consumed) }
    }

    async findByUid(uid) {
      const id = await redis.get(`uid:${uid}`)
      return id === null ? undefined : this.find(id)
    }

    async findByUserCode() {
      throw new Error('the cluster has no device grant')
    }

    async consume(id) {
      const seconds = await redis.ttl(this.#key(id))
      if (seconds > 0) await redis.set(`${this.#key(id)}:consumed`, Math.floor(Date.now() / 1000), 'EX', seconds)
    }

    async destroy(id) {
      await redis.del(this.#key(id))
    }

    async revokeByGrantId(grantId) {
      const keys = await redis.smembers(`grant:${grantId}`)
      await redis.del(`grant:${grantId}`, ...keys)
    }

    #key(id) {
      return `${this.#model}:${id}`
    }
  }
}
