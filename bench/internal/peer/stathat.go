package peer

import "stathat.com/c/consistent"

// stathat: sorted 32-bit hashes and a map from hash to node, under a read-write
// lock. Its hash is crc32 and cannot be changed. It sorts all hashes for every
// node added; Set takes many nodes and adds them one by one.
func stathatPeer() Peer {
	return Peer{
		Name: "stathat", Module: "stathat.com/c/consistent",
		Kind: Ring, Array: true,
		Note: "hash crc32, fixed; sorts the whole ring for each node added",
		New: func(nodes []string, points int, c Clock) (Placement, error) {
			r := consistent.New()
			r.NumberOfReplicas = points
			s := &stathat{r}
			return s, c.each(nodes, s.Add)
		},
	}
}

type stathat struct{ r *consistent.Consistent }

func (s *stathat) Owner(key string) string {
	id, _ := s.r.Get(key)
	return id
}

func (s *stathat) Owners(keys []string) (n int) {
	for _, k := range keys {
		id, _ := s.r.Get(k)
		n += len(id)
	}
	return n
}

func (s *stathat) Top(key string, n int) []string {
	ids, _ := s.r.GetN(key, n)
	return ids
}

func (s *stathat) Tops(keys []string, n int) (sum int) {
	for _, k := range keys {
		ids, _ := s.r.GetN(k, n)
		sum += len(ids)
	}
	return sum
}

func (s *stathat) Add(id string) error {
	s.r.Add(id)
	return nil
}

func (s *stathat) Remove(id string) error {
	s.r.Remove(id)
	return nil
}
