"""Small networks that see people: their faces, how far a mouth is open, and which pixels are theirs.

Nobody is identified: no network here compares faces, and none gives a description by which a face could be found again.

- ``bodies``: which part of a picture each known face's person covers: from pixels to a grid around the mask network;
- ``body_mask``: which pixels of a square picture show people;
- ``conversion``: builds ``people.safetensors`` from the package that publishes the three networks, the same bytes every
  time;
- ``face_detector``: a full-range face detector: a square picture becomes a score, a box and six points for every cell
  of a 48 x 48 grid;
- ``face_mesh``: 468 points of a face that fills a square picture, the lips among them;
- ``faces``: faces in pictures of any size, and the points of each: from pixels to pixels around the two face networks;
- ``layers``: the convolutions that the networks of people are built from; every parameter comes from a file;
- ``load``: loads the networks that find people from the file in the package, strictly.
"""
