"""Heat, boxes, labels and strips, drawn on frames.

- ``colours``: colours for heat and for telling sources apart;
- ``frame``: A frame and what sounds in it become a picture that a person enjoys: glow, box, label, legend, badge;
- ``heat``: A coarse map becomes a smooth glow over a picture;
- ``labels``: small pieces of lettering: pills with a class name, legend rows, badges;
- ``legend``: the legend of a picture with several sources: colour, class, score bar, per cent;
- ``place``: where a label goes: inside the picture, near what it names, and not over another one;
- ``strip``: A thumbnail strip: the strongest moment of each source of a video, side by side in one PNG;
- ``style``: how the drawing looks, as options;
- ``surface``: what is drawn on: a picture in RGB, or the luma and chroma that videos are coded in.
"""
