// Random inputs for property tests, biased towards the bytes and numbers where codecs go wrong.
// Every property prints its seed; RC_PARAMS="seed=N" repeats it.
#pragma once

#include <rapidcheck.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace unirust::gen {

// Bytes that escapes, terminators and prefixes are made of, and some others.
inline rc::Gen<std::string> NastyBytes() {
  return rc::gen::oneOf(rc::gen::container<std::string>(rc::gen::element(
                            '\0', '\1', '\2', 'a', '\x7F', '\x80', '\xFE', '\xFF')),
                        rc::gen::arbitrary<std::string>());
}

// Any integer of the type, the extremes and small ones often.
template <typename T>
rc::Gen<T> AnyInteger() {
  constexpr T kMin = std::numeric_limits<T>::min();
  constexpr T kMax = std::numeric_limits<T>::max();
  return rc::gen::oneOf(
      rc::gen::elementOf(std::vector<T>{kMin, static_cast<T>(kMin + 1), 0, 1,
                                        static_cast<T>(kMax / 2), static_cast<T>(kMax - 1), kMax}),
      rc::gen::cast<T>(rc::gen::inRange(0, 127)), rc::gen::resize(100, rc::gen::arbitrary<T>()));
}

}  // namespace unirust::gen
